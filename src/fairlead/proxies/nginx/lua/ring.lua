-- Consistent hashing: entries own points on a ring, a key belongs to the next point (Karger et al.,
-- 1997). An entry that comes or goes moves only the keys next to its own points.

local bit = require "bit"
local band, bxor, lshift, rshift, tobit = bit.band, bit.bxor, bit.lshift, bit.rshift, bit.tobit
local crc32 = ngx.crc32_long
local floor = math.floor

local ring = {}
local MOST_POINTS = 65536 -- bounds the work of a rebuild; few entries get many points, for evenness

local function multiply(a, b)
    return tobit(band(a, 0xffff) * b + lshift(tobit(rshift(a, 16) * band(b, 0xffff)), 16))
end

-- CRC32 alone is linear, near names would get near points: mixed as MurmurHash3 ends.
local function mix(h)
    h = multiply(bxor(h, rshift(h, 16)), 0x85ebca6b)
    h = multiply(bxor(h, rshift(h, 13)), 0xc2b2ae35)
    return bxor(h, rshift(h, 16)) % 4294967296
end

function ring.hash(text)
    return mix(tobit(crc32(text)))
end

-- Powers of two, so that the points of an entry change seldom with the number of entries.
local function points_each(weight)
    local each = 256
    while each > 1 and each * weight > MOST_POINTS do each = each / 2 end
    return each
end

local function add_points(points, entry, each)
    local seed = ring.hash(entry.id)
    for at = 1, each * entry.weight do
        local point = mix(bxor(tobit(seed), tobit(at * 0x9e3779b1 % 4294967296)))
        points[#points + 1] = { point, entry }
    end
end

local function before(a, b)
    return a[1] < b[1] or (a[1] == b[1] and a[2].id < b[2].id)
end

function ring.build(entries)
    local weight = 0
    for _, entry in ipairs(entries) do weight = weight + entry.weight end
    local points, made = {}, { at = {}, entry = {} }
    for _, entry in ipairs(entries) do add_points(points, entry, points_each(weight)) end
    table.sort(points, before)
    for at, point in ipairs(points) do made.at[at], made.entry[at] = point[1], point[2] end
    made.count = #points
    return made
end

-- The entry that owns `key`, or the next on the ring that is neither out nor tried.
function ring.find(made, key, tried)
    local points, low, high = made.at, 1, made.count
    local hash = ring.hash(key)
    if high == 0 then return nil end
    while low < high do
        local middle = floor((low + high) / 2)
        if points[middle] < hash then low = middle + 1 else high = middle end
    end
    if points[low] < hash then low = 1 end
    local at = low
    repeat
        local entry = made.entry[at]
        if not entry.out and not (tried and tried[entry]) then return entry end
        at = at % made.count + 1
    until at == low
    return nil
end

return ring
