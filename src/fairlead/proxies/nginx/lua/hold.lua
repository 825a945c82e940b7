-- Requests to a service that nobody serves yet wait here instead of failing. Nothing of them has been
-- sent on, so that it matters neither what they ask for nor how large they are.

local counters = require "counters"
local live = require "live"
local wake = require "wake"
local waits = require "waits"

local hold = { waiting = 0 }
local held = {} -- request -> the name of its service
local APART = 0.002 -- seconds between two of a worker that go on: together they overflow a listener's backlog
local SOON, LATER = 1, 5 -- seconds after which a refused one may come again; the latter where many wait

local function refuse(service, seconds)
    if service then waits.refused(service.name) end
    ngx.status = 503
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Retry-After"] = seconds
    ngx.say("no endpoint is ready")
    return ngx.exit(503)
end

-- The more wait, the less often each looks: 10 ms up to a hundred of them, 100 ms at the most.
local function pause()
    return math.min(0.1, math.max(0.01, hold.waiting * 0.0001))
end

-- One after the other, as they see that they may go on.
local function take_turn(service)
    local now = ngx.now()
    local turn = math.max(now, service.turn_at or 0)
    service.turn_at = turn + APART
    if turn > now then ngx.sleep(turn - now) end
end

local function watch(service, last, done)
    local header = counters.header()
    while not done() and ngx.now() < last do
        if service.asleep then wake.tell(service) end
        ngx.sleep(math.min(pause(), math.max(0.001, last - ngx.now())))
        if header.epoch ~= live.epoch then live.renew() end
    end
    if done() then take_turn(service) end
end

-- Waits, at most so many seconds, until `done` holds; false where too many wait already.
function hold.wait(service, key, seconds, done)
    if seconds == 0 then return true end
    if not waits.enter(service.name) then return false end
    held[key], hold.waiting = service.name, hold.waiting + 1
    local last = ngx.now() + seconds
    repeat watch(service, last, done) until done() or ngx.now() >= last
    hold.forget(key)
    return true
end

-- Returns when the service has an endpoint; answers 503 itself when it gets none in time, or none is
-- expected any more.
function hold.enter(service, key)
    if not service then return refuse(nil, SOON) end
    if service.count > 0 then return end
    waits.came(service.name)
    if service.asleep then wake.tell(service) end
    local room = hold.wait(service, key, service.hold, function() return service.count > 0 or service.hold == 0 end)
    if service.count == 0 then return refuse(service, room and SOON or LATER) end
end

-- The place is free again: also when the client left, which ends the waiting without a word.
function hold.forget(key)
    local name = held[key]
    if name then
        held[key], hold.waiting = nil, hold.waiting - 1
        waits.leave(name)
    end
end

return hold
