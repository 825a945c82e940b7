-- What is counted for each endpoint, in memory that all workers map from one file.
--
-- A worker writes only its own row, so nothing is ever locked on the way of a request; readers add
-- the rows up. The file outlives workers, reloads and nginx itself. A row whose owner is dead is
-- taken over: its totals stay, its requests in flight are gone. Row 0 belongs to nobody: it holds
-- what a slot had counted before its present endpoint came (written under the lock).
-- Counts are doubles: exact up to 2^53, and LuaJIT keeps them in registers.

local ffi = require "ffi"
local C, cast = ffi.C, ffi.cast
local memory = ngx.shared.fairlead_table

ffi.cdef [[
typedef struct {
    char magic[8];
    uint32_t rows, slots, cell_size, used, top, spare; /* rows in use; the highest slot ever used, plus 1 */
    double generation, epoch;
} fl_header;
typedef struct { double pid, started; } fl_owner;
typedef struct {
    double requests, latency_sum, failures, statuses[5]; /* a cache line; most answers touch the next one, too */
    double latency[16], owner, spare[7];
} fl_cell;
int open(const char *path, int flags, ...);
int close(int fd);
int ftruncate(int fd, long size);
long lseek(int fd, long offset, int whence);
long read(int fd, void *buffer, size_t size);
void *mmap(void *at, size_t size, int protection, int flags, int fd, long offset);
int munmap(void *at, size_t size);
int fcntl(int fd, int command, ...);
int kill(int pid, int signal);
int getpid(void);
int unlink(const char *path);
int chmod(const char *path, unsigned int mode);
long readlink(const char *path, char *buffer, size_t size);
]]

local MAGIC = "fairlea3"
local ROWS, SLOTS, PAGE = 64, 32768, 4096
local CELL = ffi.sizeof("fl_cell")
local FLIGHTS = SLOTS * 8 -- in flight, close together: these are what a choice compares
local ROW = FLIGHTS + SLOTS * CELL
local SIZE = PAGE + ROWS * ROW
local O_CREATE, O_OPEN = 0x80242, 0x80002 -- O_CLOEXEC, with O_RDWR; O_CREAT and O_TRUNC
local TOTALS = 24 -- doubles before the owner

local counters = { SLOTS = SLOTS }
local base, header, owners, descriptor, mine, my_flights, my_index

-- The lock is fcntl's: it belongs to the process, also where the descriptor was inherited.
ffi.cdef [[ typedef struct { short type, whence; long start, length; int pid; } fl_lock; ]]
local function lock(kind)
    local range = ffi.new("fl_lock", kind, 0, 0, 1, 0)
    repeat local done = C.fcntl(descriptor, 7, range) until done == 0 or ffi.errno() ~= 4
end

-- Runs `change` alone among all workers. What it raises is raised again.
function counters.locked(change, ...)
    lock(1)
    local ok, first, second = pcall(change, ...)
    lock(2)
    if not ok then error(first, 0) end
    return first, second
end

local function map(path, flags)
    local fd = C.open(path, flags, cast("int", 384)) -- 0600
    if fd < 0 then return end
    if C.lseek(fd, 0, 2) ~= SIZE and C.ftruncate(fd, SIZE) ~= 0 then C.close(fd) return end
    local at = C.mmap(nil, SIZE, 3, 1, fd, 0)
    if cast("intptr_t", at) == -1 then C.close(fd) return end
    return fd, at
end

-- Whether the file is one of ours; told by its size and first bytes, before anything is mapped.
local function known(path)
    local fd = C.open(path, O_OPEN)
    if fd < 0 then return false end
    local head = ffi.new("fl_header[1]")
    local whole = C.lseek(fd, 0, 2) == SIZE and C.lseek(fd, 0, 0) == 0
        and C.read(fd, head, ffi.sizeof("fl_header")) == ffi.sizeof("fl_header")
    C.close(fd)
    local h = head[0]
    return whole and ffi.string(h.magic, 8) == MAGIC and h.rows == ROWS and h.slots == SLOTS
        and h.cell_size == CELL and h.used <= ROWS and h.generation >= 0 and h.generation < 2 ^ 53
end

local function view(at)
    base, header = cast("char *", at), cast("fl_header *", at)
    owners = cast("fl_owner *", base + 1024)
end

-- The file that a descriptor of this process leads to.
local function file_of(fd)
    local buffer = ffi.new("char[4096]")
    local length = tonumber(C.readlink("/proc/self/fd/" .. fd, buffer, 4096))
    return length > 0 and ffi.string(buffer, length) or ""
end

-- A reload runs the master's part again, in the same process: it goes on with the mapping it has.
local function mapped_before(path)
    local pid, fd, at = (memory:get("mapped") or ""):match("^(%d+) (%d+) (%d+)$")
    if tonumber(pid) ~= C.getpid() or file_of(fd) ~= path then return end
    return tonumber(fd), cast("void *", cast("uintptr_t", tonumber(at)))
end

local function remember(fd, at)
    local number = tonumber(cast("uintptr_t", at)) -- below 2^47: exact
    memory:set("mapped", ("%d %d %.0f"):format(C.getpid(), fd, number))
end

-- Maps the file, made anew when it is missing or not ours. Runs in the master: workers inherit it.
function counters.open(path)
    local ours = known(path)
    if not ours then C.unlink(path) end
    local fd, at
    if ours then fd, at = mapped_before(path) end
    if not fd then fd, at = map(path, ours and O_OPEN or O_CREATE) end
    if not fd then error("counters: cannot map " .. path .. ", errno " .. ffi.errno()) end
    remember(fd, at)
    descriptor = fd
    view(at)
    if ours then return end
    ffi.copy(header.magic, MAGIC, 8)
    header.rows, header.slots, header.cell_size, header.used = ROWS, SLOTS, CELL, 1
end

function counters.header()
    return header
end

local function flights(index)
    return cast("double *", base + PAGE + index * ROW)
end

local function row(index)
    return cast("fl_cell *", base + PAGE + index * ROW + FLIGHTS)
end

-- When a process started, in ticks since boot: with the pid it names one process for ever.
local function started(pid)
    local file = io.open("/proc/" .. pid .. "/stat")
    if not file then return 0 end
    local text = file:read(1024) or ""
    file:close()
    return tonumber(text:match("^.*%)" .. (" %S+"):rep(19) .. " (%d+)")) or 0
end

local function alive(owner)
    local pid = tonumber(owner.pid)
    return pid > 0 and (C.kill(pid, 0) == 0 or ffi.errno() == 1) and started(pid) == owner.started
end

local function take(index)
    if index < header.used then
        ffi.fill(flights(index), header.top * 8)
    else
        header.used = index + 1
    end
    owners[index].pid = C.getpid()
    owners[index].started = started(C.getpid())
    return index
end

local function claim()
    for index = 1, ROWS - 1 do
        if not alive(owners[index]) then return take(index) end
    end
end

-- Takes a row for this worker. Without a free one it counts for itself alone, and says so.
function counters.claim()
    local index = counters.locked(claim)
    my_index = index
    if index then
        mine, my_flights = row(index), flights(index)
        return
    end
    ngx.log(ngx.ERR, "counters: all ", ROWS, " rows are in use; this worker's numbers are not seen")
    my_flights = cast("double *", C.mmap(nil, ROW, 3, 0x22, -1, 0))
    mine = cast("fl_cell *", cast("char *", my_flights) + FLIGHTS)
end

-- The worker ends in order: nothing of it is in flight any more.
function counters.release()
    for index = 1, header.used - 1 do
        if owners[index].pid == C.getpid() then owners[index].pid = 0 end
    end
end

-- Where this worker counts, by slot: its totals, and its requests in flight.
function counters.mine()
    return mine, my_flights
end

-- The row of this worker; nil where it has none.
function counters.row()
    return my_index
end

-- The rows in use, of dead workers too.
function counters.rows()
    local rows = {}
    for index = 1, header.used - 1 do rows[#rows + 1] = index end
    return rows
end

function counters.lives(index)
    return alive(owners[index])
end

-- A function slot -> requests in flight at other workers, unrolled so that it compiles into the trace
-- of whoever calls it.
function counters.others_function()
    local names, sum = { "_" }, { "0" }
    local rows = { 0 }
    for index = 1, header.used - 1 do
        if flights(index) ~= my_flights then
            rows[#rows + 1] = flights(index)
            names[#names + 1] = "r" .. index
            sum[#sum + 1] = "r" .. index .. "[slot]"
        end
    end
    local text = "local " .. table.concat(names, ",") .. " = ... return function(slot) return "
        .. table.concat(sum, "+") .. " end"
    return loadstring(text, "=others")(unpack(rows))
end

local function doubles(cell)
    return cast("double *", cell)
end

local function total(slot, at)
    local sum = 0
    for index = 1, header.used - 1 do sum = sum + doubles(row(index) + slot)[at] end
    return sum
end

-- From now on the slot counts for the endpoint `owner` (a number that names it) from zero, unless
-- it did before. Only under the lock.
function counters.assign(slot, owner)
    local before = row(0) + slot
    if slot >= header.top then header.top = slot + 1 end
    if before.owner == owner then return end
    local sums = doubles(before)
    for at = 0, TOTALS - 1 do sums[at] = total(slot, at) end
    before.owner = owner
end

-- What the slot's endpoint has counted, as a zero-based array in the order of fl_cell,
-- and what is in flight at living workers.
function counters.read(slot)
    local before, values, in_flight = doubles(row(0) + slot), {}, 0
    for at = 0, TOTALS - 1 do values[at] = total(slot, at) - before[at] end
    for index = 1, header.used - 1 do
        if alive(owners[index]) then in_flight = in_flight + flights(index)[slot] end
    end
    return values, in_flight
end

return counters
