-- A strict JSON reader (RFC 8259): nginx's Lua module brings none of its own.
-- null becomes json.null, so that a key with null is seen; depth and input are bounded.

local byte, sub, find, match, char = string.byte, string.sub, string.find, string.match, string.char
local concat, error, pcall, tonumber = table.concat, error, pcall, tonumber

local json = { null = setmetatable({}, { __tostring = function() return "null" end }) }
local MOST_DEPTH = 16
local ESCAPED = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local read_value

local function fail(at, what)
    error({ message = "JSON: " .. what .. " at byte " .. at }, 0)
end

local function skip(text, at)
    return find(text, "[^ \t\r\n]", at) or #text + 1
end

local function utf8(code)
    if code < 0x80 then return char(code) end
    if code < 0x800 then return char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
    return char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local function read_escape(text, at)
    local letter = sub(text, at, at)
    if ESCAPED[letter] then return ESCAPED[letter], at + 1 end
    local hex = letter == "u" and match(text, "^%x%x%x%x", at + 1)
    if not hex then fail(at, "a bad escape") end
    return utf8(tonumber(hex, 16)), at + 5
end

local function read_string(text, at)
    local first, parts = at + 1, nil
    while true do
        local stop = find(text, '[%z\1-\31"\\]', first)
        local mark = stop and byte(text, stop)
        if mark == 34 and not parts then return sub(text, first, stop - 1), stop + 1 end
        if mark ~= 34 and mark ~= 92 then fail(stop or #text, "an open string") end
        parts = parts or {}
        parts[#parts + 1] = sub(text, first, stop - 1)
        if mark == 34 then return concat(parts), stop + 1 end
        parts[#parts + 1], first = read_escape(text, stop + 1)
    end
end

local function read_number(text, at)
    local whole = match(text, "^-?[1-9]%d*", at) or match(text, "^-?0", at)
    if not whole then fail(at, "something unexpected") end
    local stop = at + #whole
    local rest = match(text, "^%.%d+", stop) or ""
    rest = rest .. (match(text, "^[eE][+-]?%d+", stop + #rest) or "")
    return tonumber(whole .. rest), stop + #rest
end

local function read_array(text, at, depth)
    local array, count = {}, 0
    at = skip(text, at + 1)
    if byte(text, at) == 93 then return array, at + 1 end
    while true do
        count = count + 1
        array[count], at = read_value(text, at, depth)
        at = skip(text, at)
        local mark = byte(text, at)
        if mark == 93 then return array, at + 1 end
        if mark ~= 44 then fail(at, "no , or ]") end
        at = at + 1
    end
end

local function read_object(text, at, depth)
    local object, key = {}, nil
    at = skip(text, at + 1)
    if byte(text, at) == 125 then return object, at + 1 end
    while true do
        at = skip(text, at)
        if byte(text, at) ~= 34 then fail(at, "no key") end
        key, at = read_string(text, at)
        at = skip(text, at)
        if byte(text, at) ~= 58 then fail(at, "no :") end
        if object[key] ~= nil then fail(at, "a key twice") end
        object[key], at = read_value(text, at + 1, depth)
        at = skip(text, at)
        local mark = byte(text, at)
        if mark == 125 then return object, at + 1 end
        if mark ~= 44 then fail(at, "no , or }") end
        at = at + 1
    end
end

function read_value(text, at, depth)
    at = skip(text, at)
    local mark = byte(text, at)
    if mark == 34 then return read_string(text, at) end
    if mark == 123 or mark == 91 then
        if depth == 0 then fail(at, "too many levels") end
        if mark == 123 then return read_object(text, at, depth - 1) end
        return read_array(text, at, depth - 1)
    end
    if sub(text, at, at + 3) == "true" then return true, at + 4 end
    if sub(text, at, at + 4) == "false" then return false, at + 5 end
    if sub(text, at, at + 3) == "null" then return json.null, at + 4 end
    return read_number(text, at)
end

-- The value, or nil and what is wrong.
function json.decode(text)
    local ok, value, at = pcall(read_value, text, 1, MOST_DEPTH)
    if not ok then return nil, type(value) == "table" and value.message or tostring(value) end
    if skip(text, at) <= #text then return nil, "JSON: something after the end at byte " .. at end
    return value
end

-- A string as JSON text.
function json.quote(text)
    return '"' .. text:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(byte(c)) end) .. '"'
end

return json
