-- Attempts that failed: what nginx knows of them, what is tried next, what an endpoint learns from it.

local balance = require "balance"
local eject = require "eject"
local request = require "request"
local var = request.var

local attempts = { open = 0 } -- requests with a failed attempt
local tried = {} -- request -> the entries that it failed at

-- nginx lists what it knows of each attempt; while the next is being chosen the list ends in " : ".
local function last(list)
    return list:match("([^, :]+)[ :]*$")
end

-- Whether the last attempt got as far as sending something: else nobody accepted the connection.
local function sent_something(r)
    return last(var(r, "upstream_bytes_sent") or "") ~= "0"
end

local function strike(entry, now)
    if eject.failed(entry, now) then balance.prepare(entry.service, now) end
end

local function count_failure(entry, connected, now)
    local cell = entry.cell
    if entry.alive then cell.failures = cell.failures + 1 end
    if not connected then strike(entry, now) end
end

function attempts.tried(key)
    if not tried[key] then
        tried[key], attempts.open = {}, attempts.open + 1
    end
    return tried[key]
end

-- Whether any attempt got as far as sending something.
function attempts.sent(r, key)
    return attempts.tried(key).sent or sent_something(r)
end

-- A request waits for another endpoint only once (again.lua).
function attempts.is_last(key)
    return attempts.tried(key).is_last
end

-- Whether the last attempt was given up because the endpoint took too long.
function attempts.timed_out(key)
    return attempts.tried(key).timed_out
end

function attempts.make_last(key)
    attempts.tried(key).is_last = true
end

local function remember(key, entry, connected)
    local all = attempts.tried(key)
    local again = all[entry]
    all[entry], all.sent = true, all.sent or connected
    return again
end

-- Settles a failed attempt at `entry`: whether somebody took the connection, and whether that was so
-- with an attempt at it before.
function attempts.failed(r, key, entry, now)
    local connected = sent_something(r)
    entry.flight[0] = entry.flight[0] - 1
    if entry.alive then entry.cell.requests = entry.cell.requests + 1 end
    count_failure(entry, connected, now)
    return connected, remember(key, entry, connected)
end

-- Settles the failed attempt at `entry` and chooses another; nil when there is none. An entry that
-- took the connection is tried a second time where no other is left: it may have closed an idle one.
-- An entry that took longer than it may is not helped by asking another the same.
function attempts.next(r, key, entry, now)
    local service = entry.service
    local connected, again = attempts.failed(r, key, entry, now)
    if connected and last(var(r, "upstream_status") or "") == "504" then
        tried[key].timed_out = true
        return nil
    end
    local other = balance.again(service, r, tried[key])
    if other then return other end
    return connected and not again and entry.up and entry.alive and entry or nil
end

-- The last attempt of a request: true when nginx got no answer from it, which is then counted.
function attempts.ended(r, entry, status, now)
    local header_time = last(var(r, "upstream_header_time") or "")
    if header_time and header_time ~= "-" then return false end
    if status ~= 499 then -- 499: the client left, which is nobody's failure
        count_failure(entry, sent_something(r), now)
    end
    return true
end

function attempts.forget(key)
    if tried[key] then
        tried[key], attempts.open = nil, attempts.open - 1
    end
end

-- What nginx measured of the last attempt: its status, and milliseconds to its last byte.
function attempts.measured(r)
    return tonumber(last(var(r, "upstream_status") or "")), request.last_ms(r, "upstream_response_time")
end

return attempts
