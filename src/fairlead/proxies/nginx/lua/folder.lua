-- The names in a folder: neither Lua nor nginx can list one.

local ffi = require "ffi"
local C = ffi.C

ffi.cdef [[
typedef struct { uint64_t inode; int64_t offset; unsigned short size; unsigned char type; char name[256]; } fl_dirent;
void *opendir(const char *path);
fl_dirent *readdir(void *folder) __asm__("readdir64");
int closedir(void *folder);
]]

local folder = {}

-- Iterates over the names that end as `ending` says, without that ending, sorted.
function folder.each(path, ending)
    local names, at = {}, 0
    local open = C.opendir(path)
    while open ~= nil do
        local entry = C.readdir(open)
        if entry == nil then C.closedir(open) break end
        local name, found = ffi.string(entry.name):gsub(ending, "")
        if found == 1 then names[#names + 1] = name end
    end
    table.sort(names)
    return function()
        at = at + 1
        return names[at]
    end
end

return folder
