-- Host and path to service. The longest path of the exact host wins, then of the one-label wildcard,
-- then of `*`: the work for a request does not grow with the number of routes.

local routes = {}
local sub, byte, find = string.sub, string.byte, string.find

local Index = {}
Index.__index = Index

function routes.new()
    return setmetatable({ hosts = {} }, Index)
end

-- `all`: host -> path -> {service =, strip =, path =}. A host whose only path is the root is `only`.
local function compile(paths)
    local host, lengths, seen = { paths = paths }, {}, {}
    for path in pairs(paths) do
        if not seen[#path] then
            seen[#path] = true
            lengths[#lengths + 1] = #path
        end
    end
    table.sort(lengths, function(a, b) return a > b end)
    host.lengths, host.count = lengths, #lengths
    host.only = #lengths == 1 and lengths[1] == 1 and paths["/"] or nil
    return host
end

function Index:add(service, list)
    for _, route in ipairs(list) do
        local host = self.hosts[route.host]
        local paths = host and host.paths or {}
        paths[route.path] = { service = service, strip = route.strip and #route.path or 0 }
        self.hosts[route.host] = compile(paths)
    end
end

-- Takes a service's routes out, where no other service has taken the place since.
function Index:remove(service, list)
    for _, route in ipairs(list) do
        local host = self.hosts[route.host]
        local held = host and host.paths[route.path]
        if held and held.service == service then
            host.paths[route.path] = nil
            self.hosts[route.host] = next(host.paths) and compile(host.paths) or nil
        end
    end
end

local function longest(host, path)
    local paths, lengths = host.paths, host.lengths
    for at = 1, host.count do
        local length = lengths[at]
        if length == 1 then return paths["/"] end
        if #path == length then
            local route = paths[path]
            if route then return route end
        elseif #path > length and byte(path, length + 1) == 47 then
            local route = paths[sub(path, 1, length)]
            if route then return route end
        end
    end
end

-- The route of a request whose host is not simply `only`; `path` is the normalised one.
function Index:find(name, path)
    local hosts = self.hosts
    local host = hosts[name]
    local route = host and longest(host, path)
    if route then return route end
    local dot = find(name, ".", 1, true)
    host = dot and hosts["*" .. sub(name, dot)]
    route = host and longest(host, path)
    if route then return route end
    host = hosts["*"]
    return host and longest(host, path)
end

return routes
