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
    return str(value[0], length[0])
end
local var = request.var

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
