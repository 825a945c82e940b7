-- This worker's view of the table: services and routes as objects, renewed where the log of
-- changes says so. An entry object lives as long as its endpoint; so does what it has learnt.

local balance = require "balance"
local counters = require "counters"
local peers = require "peers"
local request = require "request"
local routes = require "routes"
local shape = require "shape"
local store = require "store"
local waits = require "waits"
local monotonic = require("resty.core.time").monotonic_msec

local live = { services = {}, index = routes.new(), epoch = -1 }

local function same(entry, row)
    return entry and entry.address == row.address and entry.port == row.port and entry.slot == row.slot
end

local function new_entry(service, row)
    local cells, flights = counters.mine()
    local entry = {
        id = row.id, address = row.address, port = row.port, slot = row.slot,
        cell = cells + row.slot, flight = flights + row.slot, service = service, alive = true,
        strikes = 0, rests = 0, back_ms = 0, latency = 0, latency_ms = 0, out = false,
        token = ngx.md5(service.name .. "/" .. row.id):sub(1, 16),
    }
    peers.place(entry, monotonic())
    return entry
end

local function update_entry(entry, row, wall_to_ms)
    entry.weight, entry.up = row.weight, row.state == "up"
    entry.far = row.near == false -- tables of before have no such member
    entry.ready_ms = row.ready_at * 1000 + wall_to_ms
    peers.watch(entry)
    return entry
end

local function update_entries(service, rows)
    local old, wall_to_ms = service.entries, monotonic() - ngx.now() * 1000
    service.entries, service.up, service.by_token = {}, {}, {}
    for _, row in ipairs(rows) do
        local entry = old[row.id]
        if not same(entry, row) then entry = new_entry(service, row) end
        update_entry(entry, row, wall_to_ms)
        service.entries[row.id], service.by_token[entry.token] = entry, entry
        if entry.up then table.insert(service.up, entry) end
    end
    for id, entry in pairs(old) do
        if service.entries[id] ~= entry then entry.alive = false end
    end
end

local DEFAULT_CONNECT, DEFAULT_TIMEOUT = 1, 60 -- those of the rendered configuration

local function update_traffic(service, traffic)
    service.balance, service.hash_key = traffic.balance, request.key_variable(traffic.hash_key)
    service.prefers_node = traffic.locality == "prefer-node"
    service.sticky = traffic.sticky ~= "" and traffic.sticky or nil
    service.cookie = service.sticky and "cookie_" .. traffic.sticky:lower()
    service.hold, service.retries, service.stream = traffic.hold, traffic.retries, traffic.stream
    service.slow_start = traffic.slow_start * 1000
    service.connect_ms, service.timeout_ms = traffic.connect_timeout * 1000, traffic.timeout * 1000
    service.timed = traffic.connect_timeout ~= DEFAULT_CONNECT or traffic.timeout ~= DEFAULT_TIMEOUT
    service.unusual = service.stream or service.sticky ~= nil
    service.learns = traffic.balance == "least-time"
end

local function empty_service(name)
    return { name = name, entries = {}, up = {}, routes = {}, count = 0 }
end

local function update(name, doc)
    local service = live.services[name] or empty_service(name)
    live.index:remove(service, service.routes)
    if not doc then
        update_entries(service, {})
        service.list, service.count, service.wake = {}, 0, math.huge
        live.services[name] = nil
        waits.forget(name)
        return
    end
    live.services[name], service.routes = service, doc.routes
    live.index:add(service, doc.routes)
    update_traffic(service, doc.traffic)
    service.asleep, service.tell_at = doc.asleep or false, nil
    update_entries(service, doc.entries)
    balance.prepare(service, monotonic())
end

local function renew(name)
    local text = store.text(name)
    local doc, problem
    if text then doc, problem = shape.read(name, text) end
    if problem then ngx.log(ngx.ERR, "table of ", name, " cannot be read: ", problem) return end
    update(name, doc)
end

local function renew_all()
    local wanted = {}
    for _, name in ipairs(store.names()) do wanted[name] = true end
    for name in pairs(live.services) do wanted[name] = true end
    for name in pairs(wanted) do renew(name) end
end

-- Follows the table up to the present epoch.
function live.renew()
    local epoch = tonumber(counters.header().epoch)
    local changed = live.epoch >= 0 and store.changed_since(live.epoch)
    balance.rows_changed()
    if changed then
        for name in pairs(changed) do renew(name) end
    else
        renew_all()
    end
    live.epoch = epoch
end

return live
