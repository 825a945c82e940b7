-- Whether a DOC (docs/dataplane.md) has the shape that the rest relies on. Python validated its
-- meaning; what stands here keeps a bad table from reaching a request.

local json = require "json"

local shape = { MOST_SLOTS = 32768, MOST_BYTES = 4 * 1024 * 1024, MOST_ADDRESS = 44 }
local BALANCES = { ["p2c"] = true, ["round-robin"] = true, ["least-time"] = true, ["hash"] = true }
local STATES = { up = true, down = true, draining = true }
local LOCALITIES = { ["any"] = true, ["prefer-node"] = true }
local SERVICE = "^[a-z0-9][a-z0-9%-]*$"

function shape.is_service(name)
    return type(name) == "string" and #name <= 63 and name:find(SERVICE) ~= nil
end

local function number(value, least, most)
    return type(value) == "number" and value >= least and value <= most
end

local function whole(value, least, most)
    return number(value, least, most) and value % 1 == 0
end

local function text(value, pattern)
    return type(value) == "string" and #value <= 1024 and value:find(pattern) ~= nil
end

local function hash_key(value)
    return value == "ip" or value == "uri" or text(value, "^header:[%w%-]+$")
        or text(value, "^cookie:[%w_%-]+$")
end

local function route_fault(route)
    if type(route) ~= "table" then return "a route is no object" end
    local plain = type(route.host) == "string" and route.host:gsub("^%*%.", "")
    if route.host ~= "*" and not text(plain, "^[a-z0-9_%.%-]+$") and not text(plain, "^%[[%x:.]+%]$") then
        return "a route's host"
    end
    if not text(route.path, "^/[^%c]*$") or (#route.path > 1 and route.path:sub(-1) == "/") then
        return "a route's path"
    end
    if type(route.strip) ~= "boolean" then return "a route's strip" end
end

local function entry_fault(entry, ids, slots)
    if type(entry) ~= "table" then return "an entry is no object" end
    if not text(entry.id, "^[%w_.:@%[%]%-]+$") or ids[entry.id] then return "an entry's id" end
    if not text(entry.address, "^[%x.:]+$") or #entry.address > shape.MOST_ADDRESS then return "an entry's address" end
    if not whole(entry.port, 1, 65535) then return "an entry's port" end
    if not whole(entry.slot, 0, shape.MOST_SLOTS - 1) or slots[entry.slot] then return "an entry's slot" end
    if not STATES[entry.state] then return "an entry's state" end
    if not whole(entry.weight, 1, 65535) then return "an entry's weight" end
    if not number(entry.ready_at, 0, 1e12) then return "an entry's ready_at" end
    if entry.near ~= nil and type(entry.near) ~= "boolean" then return "an entry's near" end
    ids[entry.id], slots[entry.slot] = true, true
end

local function traffic_fault(t)
    if type(t) ~= "table" then return "traffic is no object" end
    if not BALANCES[t.balance] then return "traffic.balance" end
    if t.locality ~= nil and not LOCALITIES[t.locality] then return "traffic.locality" end
    if not hash_key(t.hash_key) then return "traffic.hash_key" end
    if not text(t.sticky, "^[%w_%-]*$") then return "traffic.sticky" end
    if not number(t.slow_start, 0, 86400) then return "traffic.slow_start" end
    if not number(t.hold, 0, 3600) then return "traffic.hold" end
    if not whole(t.retries, 0, 10) then return "traffic.retries" end
    if not number(t.connect_timeout, 0.001, 3600) then return "traffic.connect_timeout" end
    if not number(t.timeout, 0.001, 86400) then return "traffic.timeout" end
    if type(t.stream) ~= "boolean" then return "traffic.stream" end
end

local function doc_fault(doc, name)
    if type(doc) ~= "table" then return "it is no object" end
    if doc.service ~= name then return "service is not the name in the path" end
    if type(doc.routes) ~= "table" or type(doc.entries) ~= "table" then return "routes or entries are missing" end
    local ids, slots = {}, {}
    for _, route in ipairs(doc.routes) do
        local fault = route_fault(route)
        if fault then return fault end
    end
    for _, entry in ipairs(doc.entries) do
        local fault = entry_fault(entry, ids, slots)
        if fault then return fault end
    end
    if doc.asleep ~= nil and type(doc.asleep) ~= "boolean" then return "asleep" end
    return traffic_fault(doc.traffic)
end

-- The table of `body`, or nil and what is wrong with it.
function shape.read(name, body)
    if not shape.is_service(name) then return nil, "no service has such a name" end
    if #body > shape.MOST_BYTES then return nil, "the table is larger than 4 MiB" end
    local doc, problem = json.decode(body)
    if problem then return nil, problem end
    local fault = doc_fault(doc, name)
    if fault then return nil, "not a table: " .. fault end
    return doc
end

return shape
