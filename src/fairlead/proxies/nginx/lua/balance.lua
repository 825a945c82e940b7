-- Which endpoint gets a request. `prepare` does what needs doing once a change; a picker then works
-- in constant time (hash: logarithmic), whatever the number of endpoints.

local ffi = require "ffi"
local counters = require "counters"
local peers = require("peers").at
local request = require "request"
local ring = require "ring"
local eject = require "eject"
local random, floor, max, min = math.random, math.floor, math.max, math.min
local tobit = require("bit").tobit

local balance = {}
local NEVER = math.huge
local MOST_TURNS = 8192
local COLDEST = 0.1 -- the share of its weight that an endpoint starts with (slow start)
local FEW = 64 -- endpoints of a service; among more, what other workers do evens out by itself
local HANDICAP = 4 -- requests in flight per weight that an endpoint of another node counts more
local others = function() return 0 end
local mine -- requests in flight at this worker, by slot

-- The rows of the counters changed.
function balance.rows_changed()
    others = counters.others_function()
    mine = select(2, counters.mine())
end

-- Requests in flight at a slot. What other workers have there is looked at once a millisecond: they
-- write it all the time, so every look takes the line from the cache of another core and back.
local function load(slot, ms)
    local peer, wrapped = peers[slot], tobit(ms)
    if peer.seen ~= wrapped then
        peer.seen, peer.others = wrapped, others(slot)
    end
    return mine[slot] + peer.others
end

-- Power of two choices (Mitzenmacher, 2001): of two random endpoints the less busy one, and its slot.
-- No entry's table is touched: among thousands each would be a cache miss.
local function p2c_few(service, _, ms)
    local count, slots = service.count, service.slots
    if count == 1 then return service.list[1], slots[0] end
    local a, b = random(count), random(count - 1)
    if b >= a then b = b + 1 end
    local x, y = slots[a - 1], slots[b - 1]
    if load(y, ms) < load(x, ms) then return service.list[b], y end
    return service.list[a], x
end

local function p2c_many(service)
    local count, slots = service.count, service.slots
    local a, b = random(count), random(count - 1)
    if b >= a then b = b + 1 end
    local x, y = slots[a - 1], slots[b - 1]
    if mine[y] < mine[x] then return service.list[b], y end
    return service.list[a], x
end

local function warmth(entry, slow_start, ms)
    return min(1, max(COLDEST, (ms - entry.ready_ms) / slow_start))
end

-- A random entry by weight (Walker's alias method), cold ones less often.
local function draw(service, ms)
    local entry
    for _ = 1, 4 do
        local at = random(service.count)
        if random() >= service.keep[at] then at = service.alias[at] end
        entry = service.list[at]
        if not service.warming or random() < warmth(entry, service.slow_start, ms) then return entry end
    end
    return entry
end

local function draw_two(service, ms)
    local x, y = draw(service, ms), nil
    for _ = 1, 3 do
        y = draw(service, ms)
        if y ~= x then return x, y end
    end
    return x, x
end

local function p2c_weighted(service, _, ms)
    local x, y = draw_two(service, ms)
    local of_x, of_y = x.weight, y.weight
    if service.warming then
        of_x = of_x * warmth(x, service.slow_start, ms)
        of_y = of_y * warmth(y, service.slow_start, ms)
    end
    if load(y.slot, ms) * of_x < load(x.slot, ms) * of_y then return y end
    return x
end

-- Requests in flight per weight.
local function burden(group, entry, ms)
    local cold = group.warming and warmth(entry, group.slow_start, ms) or 1
    return load(entry.slot, ms) / (entry.weight * cold)
end

-- The less busy of two that are drawn from the group, and how busy.
local function better(group, ms)
    local x, y = draw_two(group, ms)
    local of_x, of_y = burden(group, x, ms), burden(group, y, ms)
    if of_y < of_x then return y, of_y end
    return x, of_x
end

-- The better of two near ones, unless the better of two far ones is less busy by more than the
-- handicap: so load decides how much stays, whatever the number of near ones.
local function p2c_near(service, _, ms)
    local near, of_near = better(service.near, ms)
    local far, of_far = better(service.far, ms)
    return of_far + HANDICAP < of_near and far or near
end

-- Old latencies fade, so that an endpoint which was slow once is tried again.
local function expected(service, entry, ms)
    local cold = service.warming and warmth(entry, service.slow_start, ms) or 1
    return (load(entry.slot, ms) + 1) * max(entry.latency, 1) / (1 + (ms - entry.latency_ms) / 1000) / cold
end

local function least_time(service, _, ms)
    local x, y = draw_two(service, ms)
    if expected(service, y, ms) < expected(service, x, ms) then return y end
    return x
end

local function round_robin(service, _, ms)
    local entry
    for _ = 1, service.count do
        service.turn = service.turn % #service.turns + 1
        entry = service.turns[service.turn]
        if not service.warming or random() < warmth(entry, service.slow_start, ms) then return entry end
    end
    return entry
end

local function by_hash(service, r)
    return ring.find(service.ring, request.key(r, service.hash_key)) or service.list[random(service.count)]
end

local function build_alias(service)
    local count, total = service.count, 0
    for _, entry in ipairs(service.list) do total = total + entry.weight end
    local keep, alias, small, large = {}, {}, {}, {}
    for at, entry in ipairs(service.list) do
        keep[at], alias[at] = entry.weight * count / total, at
        table.insert(keep[at] < 1 and small or large, at)
    end
    while #small > 0 and #large > 0 do
        local low, high = table.remove(small), table.remove(large)
        alias[low] = high
        keep[high] = keep[high] + keep[low] - 1
        table.insert(keep[high] < 1 and small or large, high)
    end
    service.keep, service.alias = keep, alias
end

-- Near and far entries as groups that are drawn from, or nil where there is nothing to prefer.
local function build_groups(service)
    local near, far = { list = {} }, { list = {} }
    for _, entry in ipairs(service.list) do table.insert((entry.far and far or near).list, entry) end
    if #near.list == 0 or #far.list == 0 then return nil end
    for _, group in ipairs({ near, far }) do
        group.count, group.warming, group.slow_start = #group.list, service.warming, service.slow_start
        build_alias(group)
    end
    return near, far
end

-- Turns in which every entry comes `weight` times, spread evenly.
local function build_turns(service)
    local total, turns = 0, {}
    for _, entry in ipairs(service.list) do total = total + entry.weight end
    local scale = min(1, MOST_TURNS / total)
    for at, entry in ipairs(service.list) do
        local times = max(1, floor(entry.weight * scale + 0.5))
        for turn = 1, times do turns[#turns + 1] = { (turn - 0.5) / times, at, entry } end
    end
    table.sort(turns, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
    for at, turn in ipairs(turns) do turns[at] = turn[3] end
    service.turns, service.turn = turns, random(math.max(1, #turns)) - 1
end

local function slots_of(list)
    local slots = ffi.new("int[?]", #list)
    for at, entry in ipairs(list) do slots[at - 1] = entry.slot end
    return slots
end

local function even(list)
    for _, entry in ipairs(list) do
        if entry.weight ~= list[1].weight then return false end
    end
    return true
end

-- Notes which entries are cold; returns when the first of them is warm.
local function warm_up(service, ms)
    local wake = NEVER
    service.warming = false
    if service.slow_start == 0 or service.count < 2 then return wake end
    for _, entry in ipairs(service.list) do
        local warm = entry.ready_ms + service.slow_start
        if warm > ms then
            service.warming, wake = true, min(wake, warm)
        end
    end
    return wake
end

local function p2c(list, warming)
    if warming or not even(list) then return p2c_weighted end
    return #list <= FEW and p2c_few or p2c_many
end

local PICKERS = { ["round-robin"] = round_robin, ["least-time"] = least_time, ["hash"] = by_hash }

-- Chooses list and picker from the service's `up` entries; `wake` is when that has to be done again.
function balance.prepare(service, ms)
    local list, wake = eject.remaining(service.up, ms)
    service.list, service.count, service.slots = list, #list, slots_of(list)
    service.wake = min(wake, warm_up(service, ms))
    service.pick = PICKERS[service.balance] or p2c(list, service.warming)
    if service.balance == "round-robin" then build_turns(service) end
    if service.balance == "least-time" or service.pick == p2c_weighted then build_alias(service) end
    if service.prefers_node then
        service.near, service.far = build_groups(service)
        if service.near then service.pick = p2c_near end
    end
    if service.balance == "hash" and service.ring_of ~= service.up then
        service.ring, service.ring_of = ring.build(service.up), service.up
    end
end

local function untried(list, tried)
    local count = #list
    local from = count > 0 and random(count) or 1
    for at = 0, count - 1 do
        local entry = list[(from + at - 1) % count + 1]
        if not tried[entry] then return entry end
    end
end

-- Another entry than those tried; an ejected one only when no other is left.
function balance.again(service, r, tried)
    if service.balance == "hash" then
        local entry = service.ring and ring.find(service.ring, request.key(r, service.hash_key), tried)
        if entry then return entry end
    end
    return untried(service.list, tried) or untried(service.up, tried)
end

return balance
