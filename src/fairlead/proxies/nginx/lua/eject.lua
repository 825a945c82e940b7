-- Passive ejection: an endpoint that refuses connections rests for a while, longer each time.
-- It only spares retries: the table and the health checks decide who is up.

local peers = require "peers"
local floor, min = math.floor, math.min

local eject = {}
local STRIKES = 3
local FIRST_MS, LONGEST_MS = 1000, 60000

-- One more failed connection. True when the entry is out from now on.
function eject.failed(entry, ms)
    entry.strikes = entry.strikes + 1
    peers.watch(entry)
    if entry.strikes < STRIKES then return false end
    entry.strikes = STRIKES - 1 -- on probation: back in, its next failure counts
    entry.back_ms = ms + min(LONGEST_MS, FIRST_MS * 2 ^ entry.rests)
    entry.rests = entry.rests + 1
    return true
end

function eject.succeeded(entry)
    entry.strikes, entry.rests, entry.back_ms = 0, 0, 0
    peers.watch(entry)
end

-- At most half of the entries are out, the longest resting first; when all would be, none is.
local function most_out(up, resting)
    if #resting == #up then return 0 end
    table.sort(resting, function(a, b) return a.back_ms > b.back_ms end)
    return min(#resting, floor(#up / 2))
end

-- The entries that take requests, and when that changes next.
function eject.remaining(up, ms)
    local resting, left, wake = {}, {}, math.huge
    for _, entry in ipairs(up) do
        entry.out = false
        if entry.back_ms > ms then
            resting[#resting + 1] = entry
            wake = min(wake, entry.back_ms)
        end
    end
    if #resting == 0 then return up, wake end
    for at = 1, most_out(up, resting) do resting[at].out = true end
    for _, entry in ipairs(up) do
        if not entry.out then left[#left + 1] = entry end
    end
    return left, wake
end

return eject
