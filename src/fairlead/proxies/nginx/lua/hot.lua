-- The way of a request through nginx's phases: route (rewrite), choose (balancer), settle (log); a
-- plain one has only the last two.
-- Nothing here yields, builds strings or makes tables unless a request is unusual: each phase is to
-- compile into one trace. What is known of a request is kept by its address in nginx's memory, which
-- is its own from its first phase to its last.

local ffi = require "ffi"
local exdata = require "thread.exdata"
local base = require "resty.core.base"
local again = require "again"
local attempts = require "attempts"
local balance = require "balance"
local counters = require "counters"
local eject = require "eject"
local hold = require "hold"
local live = require "live"
local peers = require("peers").at
local request = require "request"
require "resty.core.time"
require "resty.core.misc"
local C, cast, tonumber = ffi.C, ffi.cast, tonumber
local ceil = math.ceil
local address = ffi.typeof("uintptr_t")
local var, wants_events, index = request.var, request.wants_events, live.index
local set_peer = C.ngx_http_lua_ffi_balancer_set_current_peer
local problem, BUSY = base.get_errmsg_ptr(), base.FFI_BUSY

local hot = {}
local place = {} -- request -> its service, then the entry that it was given
local begun = {} -- request -> since when it is in flight, and at which slot: see `pack`
local SLOTS = counters.SLOTS
local header, cells, flights

-- Bounds of the latency buckets in ms: LATENCY_BOUNDS of core/model.py.
local QUICK = { [0] = 0, 0, 1, 2, 2, 2, 3, 3, 3, 3, 3 } -- up to 10 ms
local BOUNDS = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000 }

-- One number, so that the end of a request need not touch its entry: exact for 8 years of uptime.
local function pack(now, slot)
    return now * SLOTS + slot
end

-- In a worker that has its row of the counters.
function hot.start()
    header = counters.header()
    cells, flights = counters.mine()
end

local function strip(path, length)
    local rest = path:sub(length + 1)
    ngx.req.set_uri(rest:sub(1, 1) == "/" and rest or "/" .. rest, false, true)
end

local function find_route(r)
    local name = var(r, "host")
    local host = index.hosts[name]
    if host and host.only then return host.only end
    return index:find(name, var(r, "uri"))
end

-- The location where the request goes on, or nil for straight on: nothing is unusual about it.
function hot.route()
    local r = exdata()
    if place[tonumber(cast(address, r))] then return "@failed" end -- it was given an entry in `/`
    if header.epoch ~= live.epoch then live.renew() end
    local route = find_route(r)
    if not route then return "@missing" end
    if route.strip > 1 then strip(var(r, "uri"), route.strip) end
    local service = route.service
    place[tonumber(cast(address, r))] = service
    if service.stream or wants_events(r) then return "@stream" end
    if service.sticky or service.count == 0 then return "@full" end
end

-- Waits in @full and @stream until the request's service has an endpoint.
function hot.hold()
    local key = tonumber(cast(address, exdata()))
    local at = place[key]
    return hold.enter(at and (at.service or at), key)
end

-- In @failed: returns when another attempt makes sense, ends the request with a 502 otherwise.
function hot.again()
    local r = exdata()
    local key, now = tonumber(cast(address, r)), tonumber(C.ngx_http_lua_ffi_monotonic_msec())
    local at = place[key]
    place[key], begun[key] = at.service or at, nil
    return again.enter(r, at, key, now)
end

-- Sets the cookie that leads back to the entry, or none where the request brought it.
local function set_cookie(service, entry, known)
    ngx.var.fl_cookie = known and "" or service.sticky .. "=" .. entry.token .. "; Path=/; HttpOnly; SameSite=Lax"
end

local function choose_sticky(service, r, now)
    local known = service.by_token[var(r, service.cookie) or ""]
    if known and (not known.up or known.out) then known = nil end
    local entry = known or service.pick(service, r, now)
    set_cookie(service, entry, known)
    return entry, entry.slot
end

-- An entry and its slot.
local function choose(service, r, now)
    if now >= service.wake then balance.prepare(service, now) end
    if service.count == 0 then return nil end
    if service.sticky then return choose_sticky(service, r, now) end
    local entry, slot = service.pick(service, r, now)
    return entry, slot or entry.slot
end

local function send_to(r, slot)
    local peer = peers[slot]
    flights[slot] = flights[slot] + 1
    set_peer(r, peer.address, peer.length, peer.port, problem)
end

-- Gives the place back: the table changed while it was taken.
local function take_anew(service, r, slot, now)
    local entry
    repeat
        flights[slot] = flights[slot] - 1
        live.renew()
        entry, slot = choose(service, r, now)
        if not entry then return nil end
        send_to(r, slot)
    until header.epoch == live.epoch
    return entry, slot
end

-- Takes a place at an entry, then looks whether the table changed meanwhile: so that one who
-- withdraws an entry and then reads that nothing is in flight knows that nothing more will come.
local function take(service, r, now)
    local entry, slot = choose(service, r, now)
    if not entry then return nil end
    send_to(r, slot)
    if header.epoch == live.epoch then return entry, slot end
    return take_anew(service, r, slot, now)
end

local function set_limits(service, r)
    if service.retries > 0 then C.ngx_http_lua_ffi_balancer_set_more_tries(r, service.retries, problem) end
    if service.timed then
        C.ngx_http_lua_ffi_balancer_set_timeouts(r, service.connect_ms, service.timeout_ms, service.timeout_ms, problem)
    end
end

local function retry(r, key, entry, now)
    if header.epoch ~= live.epoch then live.renew() end
    local service, other = entry.service, attempts.next(r, key, entry, now)
    place[key], begun[key] = other or service, nil
    if not other then return ngx.exit(BUSY) end -- 502
    begun[key] = pack(now, other.slot)
    if service.sticky then set_cookie(service, other) end
    send_to(r, other.slot)
end

function hot.choose()
    local r = exdata()
    local key, now = tonumber(cast(address, r)), tonumber(C.ngx_http_lua_ffi_monotonic_msec())
    local service = place[key]
    if service.cell then return retry(r, key, service, now) end
    local entry, slot = take(service, r, now)
    if not entry then return ngx.exit(ngx.ERROR) end -- 500, which leads to @full: see config.py
    place[key], begun[key] = entry, pack(now, slot)
    set_limits(service, r)
end

-- Routes and chooses at once, for requests that nothing was found unusual in. A 502 sends the others
-- to @route (config.py). Not a 500: nginx closes the client's connection after it, whatever follows.
function hot.choose_plainly()
    local r = exdata()
    local key, now = tonumber(cast(address, r)), tonumber(C.ngx_http_lua_ffi_monotonic_msec())
    local entry = place[key]
    if entry then return retry(r, key, entry, now) end
    if header.epoch ~= live.epoch then live.renew() end
    local route = find_route(r)
    if not route or route.strip > 1 or route.service.unusual then return ngx.exit(BUSY) end
    local service, slot = route.service, nil
    entry, slot = take(service, r, now)
    if not entry then return ngx.exit(BUSY) end
    place[key], begun[key] = entry, pack(now, slot)
    set_limits(service, r)
end

local function bucket(ms)
    if ms <= 10 then return QUICK[ceil(ms)] end
    if ms <= 20 then return 4 end
    if ms <= 50 then return 5 end
    if ms <= 100 then return 6 end
    for at = 8, #BOUNDS do
        if ms <= BOUNDS[at] then return at - 1 end
    end
    return #BOUNDS
end

local function class(status)
    if status < 200 then return 0 end
    if status < 300 then return 1 end
    if status < 400 then return 2 end
    return status < 500 and 3 or 4
end

local function tell(entry, ms, now)
    if entry.strikes ~= 0 then eject.succeeded(entry) end
    if entry.service.learns then
        entry.latency = entry.latency_ms == 0 and ms or entry.latency * 0.8 + ms * 0.2
        entry.latency_ms = now
    end
end

local function count(entry, slot, kind, ms, now)
    local cell, at = cells[slot], bucket(ms)
    cell.statuses[kind] = cell.statuses[kind] + 1
    cell.latency[at] = cell.latency[at] + 1
    cell.latency_sum = cell.latency_sum + ms * 0.001
    if peers[slot].watched ~= 0 then tell(entry, ms, now) end
end

-- A status that may be nginx's own, for want of an answer.
local function settle_doubtful(r, entry, slot, status, now)
    if attempts.ended(r, entry, status, now) then return end
    local answered, ms = attempts.measured(r)
    if answered and ms then count(entry, slot, class(answered), ms, now) end
end

-- The time since the choice is the endpoint's and the client's; only where it is long enough for the
-- client's share to matter nginx is asked for the endpoint's. Where another entry has come to the
-- slot meanwhile, nothing is counted for it.
local function settle(r, entry, slot, since)
    local cell = cells[slot]
    flights[slot] = flights[slot] - 1
    if peers[slot].since > since then return end
    cell.requests = cell.requests + 1
    local now, status = tonumber(C.ngx_http_lua_ffi_monotonic_msec()), C.ngx_http_lua_ffi_get_resp_status(r)
    if status > 498 or status < 200 then return settle_doubtful(r, entry, slot, status, now) end
    local ms = now - since
    if ms > 10 then ms = request.last_ms(r, "upstream_response_time") or ms end
    count(entry, slot, class(status), ms, now)
end

function hot.settle()
    local r = exdata()
    local key = tonumber(cast(address, r))
    local entry = place[key]
    if not entry then return end
    place[key] = nil
    if attempts.open > 0 then attempts.forget(key) end
    if hold.waiting > 0 then hold.forget(key) end
    local packed = begun[key]
    if not packed then return end
    begun[key] = nil
    local slot = packed % SLOTS
    settle(r, entry, slot, (packed - slot) / SLOTS)
end

return hot
