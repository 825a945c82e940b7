-- A request that found nobody: the endpoint that it was given may just have died, and fairlead is
-- replacing it. So it waits for the table to say so, and is tried once more.

local attempts = require "attempts"
local balance = require "balance"
local hold = require "hold"
local request = require "request"
local var = request.var

local again = {}
local NOTICE = 1 -- seconds that fairlead has to take a dead endpoint out of the table
local IDEMPOTENT = { GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true, TRACE = true }

-- Whether sending it again does nothing twice, its body is still there, and it may help.
local function repeatable(r, service, key)
    if service.retries == 0 or attempts.is_last(key) or attempts.timed_out(key) then return false end
    if service.stream and (var(r, "content_length") or var(r, "http_transfer_encoding")) then return false end
    return IDEMPOTENT[var(r, "request_method")] or not attempts.sent(r, key)
end

local function fail(r, key)
    ngx.log(ngx.ERR, "no endpoint answered: ", var(r, "upstream_addr"), ", ", var(r, "upstream_status"))
    return ngx.exit(attempts.timed_out(key) and 504 or 502)
end

-- `at` is the service, or the entry of an attempt that nginx gave up without asking for another.
function again.enter(r, at, key, now)
    local service = at.service or at
    local may = repeatable(r, service, key)
    if at.cell then attempts.failed(r, key, at, now) end
    local tried = attempts.tried(key)
    local function other() return balance.again(service, r, tried) end
    if not may or other() then return fail(r, key) end -- with others left it was tried often enough
    local function noticed() return other() or service.count == 0 end
    hold.wait(service, key, math.min(NOTICE, service.hold), noticed)
    if service.count == 0 then hold.wait(service, key, service.hold, other) end
    if not other() then return fail(r, key) end
    attempts.make_last(key)
end

return again
