-- How many requests wait for an endpoint, over all workers, and what has been counted of them.
--
-- `now:ROW` and `now:ROW:SERVICE` are written by the worker of that row of the counters alone: those
-- of a worker that died are cleared by whoever gets its row, or finds that too many wait.

local counters = require "counters"

local waits = { MOST = 1024, MOST_IN_ALL = 2048 } -- of a service, and of all: each costs a connection
local memory = ngx.shared.fairlead_waits
local mine -- "now:ROW", of this worker

local function clear(prefix)
    for _, key in ipairs(memory:get_keys(0)) do
        if key == prefix or key:sub(1, #prefix + 1) == prefix .. ":" then memory:delete(key) end
    end
end

-- In a worker that has its row of the counters; one that has none counts under a name of its own.
function waits.start()
    mine = "now:" .. (counters.row() or "p" .. ngx.worker.pid())
    clear(mine)
end

local function sum(suffix, rows)
    local total = memory:get(mine .. suffix) or 0
    for _, row in ipairs(rows) do
        local key = "now:" .. row
        if key ~= mine then total = total + (memory:get(key .. suffix) or 0) end
    end
    return total
end

local function too_many(name)
    local rows = counters.rows()
    return sum(":" .. name, rows) > waits.MOST or sum("", rows) > waits.MOST_IN_ALL
end

local function clear_dead()
    for _, row in ipairs(counters.rows()) do
        if not counters.lives(row) then clear("now:" .. row) end
    end
end

-- Takes a place, where one is free; then `leave` has to follow.
function waits.enter(name)
    memory:incr(mine .. ":" .. name, 1, 0)
    memory:incr(mine, 1, 0)
    if too_many(name) then
        clear_dead()
        if too_many(name) then
            waits.leave(name)
            return false
        end
    end
    memory:incr("held:" .. name, 1, 0)
    return true
end

function waits.leave(name)
    memory:incr(mine .. ":" .. name, -1, 0)
    memory:incr(mine, -1, 0)
end

-- A request has come that nobody can answer yet.
function waits.came(name)
    memory:set("last:" .. name, ngx.now())
end

function waits.refused(name)
    memory:incr("refused:" .. name, 1, 0)
end

function waits.forget(name)
    for _, kind in ipairs({ "held:", "refused:", "last:" }) do memory:delete(kind .. name) end
end

-- What is known of the service, as JSON.
function waits.told(name)
    local now = sum(":" .. name, counters.rows())
    if now > 0 then
        clear_dead()
        now = sum(":" .. name, counters.rows())
    end
    return ('{"waiting": %.0f, "held": %.0f, "refused": %.0f, "last": %.3f}'):format(now,
        memory:get("held:" .. name) or 0, memory:get("refused:" .. name) or 0, memory:get("last:" .. name) or 0)
end

return waits
