-- What the way of a request needs of an endpoint, a cache line for each slot: where it is, and whether
-- its answers are of interest to somebody. The rest is in the entry's table, which is not touched
-- unless it has to be: among thousands of endpoints every line of memory is a miss.

local ffi = require "ffi"
local counters = require "counters" -- declares mmap
local C = ffi.C

ffi.cdef [[
typedef struct {
    double since; /* when the slot got its present entry, in ms */
    float others; /* requests in flight at other workers, as they were at `seen` (ms, wrapped) */
    int32_t seen;
    uint16_t port;
    uint8_t watched, length;
    char address[44];
} fl_peer;
]]

local peers = {}
local SIZE = counters.SLOTS * ffi.sizeof("fl_peer")
-- Anonymous memory: what is never used takes none.
local memory = ffi.gc(C.mmap(nil, SIZE, 3, 0x22, -1, 0), function(at) C.munmap(at, SIZE) end)
peers.memory = memory
peers.at = ffi.cast("fl_peer *", memory)

function peers.place(entry, ms)
    local peer = peers.at[entry.slot]
    peer.since, peer.port, peer.length = ms, entry.port, #entry.address
    ffi.copy(peer.address, entry.address, #entry.address)
end

-- Whether the entry wants to hear of its answers: it failed, or its latency counts.
function peers.watch(entry)
    peers.at[entry.slot].watched = (entry.strikes ~= 0 or entry.service.learns) and 1 or 0
end

return peers
