-- The control listener: docs/dataplane.md says what it takes and answers.

local counters = require "counters"
local json = require "json"
local live = require "live"
local shape = require "shape"
local store = require "store"
local waits = require "waits"

local control = {}

local function answer(status, text)
    ngx.status = status
    ngx.header["Content-Type"] = "application/json"
    ngx.header["Content-Length"] = #text + 1
    ngx.print(text, "\n")
    return ngx.exit(status)
end

local function refuse(problem)
    return answer(400, '{"error": ' .. json.quote(problem) .. "}")
end

local function generation()
    return ("%.0f"):format(counters.header().generation)
end

local function accepted(number)
    return answer(200, ('{"generation": %.0f}'):format(number))
end

local function info()
    local pid = require("ngx.process").get_master_pid() or ngx.worker.pid()
    return answer(200, ('{"generation": %s, "workers": %d, "pid": %d}'):format(generation(), ngx.worker.count(), pid))
end

local function whole_table()
    local parts = {}
    local number = counters.locked(function()
        for _, name in ipairs(store.names()) do parts[#parts + 1] = json.quote(name) .. ": " .. store.text(name) end
        return generation()
    end)
    return answer(200, '{"generation": ' .. number .. ', "services": {' .. table.concat(parts, ", ") .. "}}")
end

local function whole(values, first, last)
    local parts = {}
    for at = first, last do parts[#parts + 1] = ("%.0f"):format(math.max(0, values[at])) end
    return table.concat(parts, ", ")
end

-- `values` come in the order of fl_cell: requests, latency_sum, failures, 5 statuses, 16 buckets.
local function one(entry)
    local values, in_flight = counters.read(entry.slot)
    return ('%s: {"in_flight": %.0f, "requests": %s, "failures": %s, "statuses": [%s], "latency": [%s], "latency_sum": %.6f}')
        :format(json.quote(entry.id), math.max(0, in_flight), whole(values, 0, 0), whole(values, 2, 2),
            whole(values, 3, 7), whole(values, 8, 23), math.max(0, values[1]))
end

local function counted()
    live.renew()
    local name, parts = ngx.var.arg_service, {}
    for _, service in pairs(live.services) do
        if not name or service.name == name then
            for _, entry in pairs(service.entries) do parts[#parts + 1] = one(entry) end
        end
    end
    return answer(200, "{" .. table.concat(parts, ",\n") .. "}")
end

local function waited()
    local name = ngx.var.arg_service
    if not shape.is_service(name) then return refuse("of which service?") end
    return answer(200, waits.told(name))
end

local function put(name)
    ngx.req.read_body()
    local body = ngx.req.get_body_data()
    if not body then return refuse("a table is missing") end
    local number, problem = store.put(name, body)
    if not number then return refuse(problem) end
    return accepted(number)
end

local READS = { ["/info"] = info, ["/table"] = whole_table, ["/counters"] = counted, ["/waits"] = waited }

function control.answer()
    local method, path = ngx.req.get_method(), ngx.var.uri
    if method == "GET" and READS[path] then return READS[path]() end
    local name = path:match("^/services/([^/]+)$")
    if not name or not shape.is_service(name) then return refuse("no such thing") end
    if method == "PUT" then return put(name) end
    if method == "DELETE" then return accepted(store.drop(name)) end
    return refuse("only PUT and DELETE work here")
end

return control
