-- What is read from a request, and said to nginx of it, straight through the C functions of nginx's
-- Lua module: LuaJIT compiles these calls into the trace of the phase.

local ffi = require "ffi"
local base = require "resty.core.base"
require "ngx.balancer" -- declares the functions used here
local C, str = ffi.C, ffi.string

local request = {}
local value, length, problem = ffi.new("char *[1]"), ffi.new("size_t[1]"), base.get_errmsg_ptr()
local scratch = ffi.new("char[2048]")

-- A variable's value, or nil where it has none. `name` is lower case.
function request.var(r, name)
    local rc = C.ngx_http_lua_ffi_var_get(r, name, #name, scratch, 0, value, length, problem)
    if rc ~= 0 then return nil end
    local text = str(value[0], length[0]) -- no tail call: that would not compile on its own
    return text
end
local var = request.var

-- Whether the request asks for server-sent events, whose bytes must not wait in a buffer.
function request.wants_events(r)
    local rc = C.ngx_http_lua_ffi_var_get(r, "http_accept", 11, scratch, 0, value, length, problem)
    return rc == 0 and length[0] == 17 and str(value[0], 17) == "text/event-stream"
end

-- The last of the times in a variable of nginx's, which look like "0.012, 1.003", in milliseconds;
-- nil where it is "-". A single short one is read in place.
function request.last_ms(r, name)
    local rc = C.ngx_http_lua_ffi_var_get(r, name, #name, scratch, 0, value, length, problem)
    if rc ~= 0 then return nil end
    local at = value[0]
    if length[0] == 5 then return (at[0] - 48) * 1000 + (at[2] - 48) * 100 + (at[3] - 48) * 10 + at[4] - 48 end
    local seconds = tonumber(str(at, length[0]):match("([%d.]+)$"))
    return seconds and seconds * 1000
end

local function variable_of(key)
    if key == "ip" then return "remote_addr" end
    if key == "uri" then return "request_uri" end
    local kind, name = key:match("^(%a+):(.+)$")
    if kind == "header" then return "http_" .. name:lower():gsub("-", "_") end
    return "cookie_" .. name:lower()
end

-- The variable that holds the key of a consistent hash.
function request.key_variable(key)
    return (variable_of(key))
end

function request.key(r, variable)
    return var(r, variable) or ""
end

return request
