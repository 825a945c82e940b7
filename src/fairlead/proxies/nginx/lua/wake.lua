-- Says that a request waits for a service which is asleep: its name, in a datagram to fairlead's socket.
-- Nothing is expected back, and nothing waits: where nobody listens it is said again, while it is true.

local wake = { socket = "" }
local AGAIN = 1 -- seconds

function wake.tell(service)
    local now = ngx.now()
    if now < (service.tell_at or 0) then return end
    service.tell_at = now + AGAIN
    local socket = ngx.socket.udp()
    if socket:setpeername("unix:" .. wake.socket) then
        socket:send(service.name)
        socket:close()
    end
end

return wake
