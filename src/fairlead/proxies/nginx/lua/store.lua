-- The table as all workers share it: DOCs as text in nginx's shared memory, and a log of changes
-- that lets a worker renew only what changed since it last looked.
--
-- The header of the counters holds two numbers: `generation` counts accepted pushes and is what
-- Python sees; `epoch` grows with everything a worker has to notice, and is compared once a request.

local counters = require "counters"
local shape = require "shape"
local json = require "json"

local store = {}
local LOG = 1024 -- changes remembered; a worker further behind renews everything
local docs = ngx.shared.fairlead_table

local function names()
    local text = docs:get("names") or ""
    local list = {}
    for name in text:gmatch("[^,]+") do list[#list + 1] = name end
    return list
end

local function remember(list)
    assert(docs:safe_set("names", table.concat(list, ",")))
end

-- Tells every worker: `service` changed (or, where empty, only the rows of the counters did).
function store.announce(service)
    local header = counters.header()
    local epoch = header.epoch + 1
    docs:safe_set("log:" .. epoch, service)
    docs:delete("log:" .. epoch - LOG)
    header.epoch = epoch
end

-- The rows of the counters changed: every worker adds up others than before.
function store.announce_rows()
    counters.locked(store.announce, "")
end

local function assign_slots(doc)
    for _, entry in ipairs(doc.entries) do
        counters.assign(entry.slot, ngx.crc32_long(doc.service .. "/" .. entry.id) + 1)
    end
end

-- A new text goes beside the old one and is switched to, so that a full memory changes nothing.
local function write(name, body)
    local turn = docs:get("turn:" .. name)
    local other = turn == 1 and 2 or 1
    local ok, problem = docs:safe_set("doc:" .. other .. ":" .. name, body)
    if not ok then return problem end
    ok, problem = docs:safe_set("turn:" .. name, other)
    if not ok then return problem end
    if turn then
        docs:delete("doc:" .. turn .. ":" .. name)
        return
    end
    local list = names()
    list[#list + 1] = name
    remember(list)
end

local function put(doc, body)
    local problem = write(doc.service, body)
    if problem then return nil, "nginx has no memory for it: " .. problem end
    assign_slots(doc)
    local header = counters.header()
    header.generation = header.generation + 1
    store.announce(doc.service)
    return tonumber(header.generation)
end

local function drop(name)
    local header, turn = counters.header(), docs:get("turn:" .. name)
    if not turn then return tonumber(header.generation) end
    local list, kept = names(), {}
    for _, other in ipairs(list) do
        if other ~= name then kept[#kept + 1] = other end
    end
    remember(kept)
    docs:delete("turn:" .. name)
    docs:delete("doc:" .. turn .. ":" .. name)
    header.generation = header.generation + 1
    store.announce(name)
    return tonumber(header.generation)
end

-- The new generation, or nil and why the table is as it was.
function store.put(name, body)
    local doc, problem = shape.read(name, body)
    if not doc then return nil, problem end
    return counters.locked(put, doc, body)
end

function store.drop(name)
    return counters.locked(drop, name)
end

function store.text(name)
    local turn = docs:get("turn:" .. name)
    return turn and docs:get("doc:" .. turn .. ":" .. name)
end

store.names = names

-- The services changed after `epoch`, as a set; nil when that is too long ago to know.
function store.changed_since(epoch)
    local now, changed = tonumber(counters.header().epoch), {}
    if now - epoch >= LOG or now < epoch then return nil end
    for at = epoch + 1, now do
        local name = docs:get("log:" .. at)
        if not name then return nil end
        if name ~= "" then changed[name] = true end
    end
    return changed
end

local function load_file(folder, name)
    local file = io.open(folder .. "/" .. name .. ".json", "rb")
    local body = file and file:read(shape.MOST_BYTES + 1) or ""
    if file then file:close() end
    local doc, problem = shape.read(name, body)
    if not doc then return problem end
    problem = write(name, body)
    if not problem then assign_slots(doc) end
    return problem
end

-- Reads the last table from disk, unless a reload finds it in memory. A broken file is left out.
function store.load(folder)
    if docs:get("loaded") then return end
    for name in require("folder").each(folder, "%.json$") do
        local ok, problem = pcall(load_file, folder, name)
        if not ok or problem then
            ngx.log(ngx.ERR, "table/", name, ".json is left out: ", tostring(problem))
        end
    end
    docs:set("loaded", true)
    store.announce("")
end

return store
