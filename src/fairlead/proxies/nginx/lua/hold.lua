-- Requests to a service that nobody serves yet wait here instead of failing.

local counters = require "counters"
local live = require "live"

local hold = { waiting = 0 }
local MOST = 1024 -- a worker; each costs a connection and some memory
local held = {} -- request -> true

local function refuse(seconds)
    ngx.status = 503
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Retry-After"] = seconds
    ngx.say("no endpoint is ready")
    return ngx.exit(503)
end

-- The more wait, the less often each looks: 10 ms up to a hundred of them, 100 ms at the most.
local function pause()
    return math.max(0.01, hold.waiting * 0.0001)
end

-- Waits, at most so many seconds, until `done` holds; not at all where too many wait already.
function hold.wait(key, seconds, done)
    if seconds == 0 or hold.waiting >= MOST then return end
    local header, last = counters.header(), ngx.now() + seconds
    held[key], hold.waiting = true, hold.waiting + 1
    while not done() and ngx.now() < last do
        ngx.sleep(math.min(pause(), math.max(0.001, last - ngx.now())))
        if header.epoch ~= live.epoch then live.renew() end
    end
    hold.forget(key)
end

-- Returns when the service has an endpoint; answers 503 itself when it gets none in time.
function hold.enter(service, key)
    if not service then return refuse(1) end
    if service.count > 0 then return end
    hold.wait(key, service.hold, function() return service.count > 0 end)
    if service.count == 0 then return refuse(1) end
end

-- The place is free again: also when the client left, which ends the waiting without a word.
function hold.forget(key)
    if held[key] then
        held[key], hold.waiting = nil, hold.waiting - 1
    end
end

return hold
