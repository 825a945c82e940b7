-- What the rendered configuration calls.

require "resty.core"
local counters = require "counters"
local hot = require "hot"
local live = require "live"
local store = require "store"
local wake = require "wake"
local waits = require "waits"
local control = require "control"

local fairlead = {
    route = hot.route,
    hold = hot.hold,
    again = hot.again,
    choose = hot.choose,
    choose_plainly = hot.choose_plainly,
    settle = hot.settle,
    control = control.answer,
}

-- In the master, before it makes its workers; `prefix` ends without a slash.
function fairlead.init(prefix)
    fairlead.prefix, wake.socket = prefix, prefix .. "/wake.sock"
    counters.open(prefix .. "/counters.shm")
    counters.locked(store.load, prefix .. "/table")
end

function fairlead.init_worker()
    require("ffi").C.chmod(fairlead.prefix .. "/control.sock", 384) -- 0600
    math.randomseed(ngx.now() * 1000 + ngx.worker.pid() * 7919)
    counters.claim()
    waits.start()
    hot.start()
    store.announce_rows()
    live.renew()
    jit.opt.start("hotloop=2", "hotexit=2", "maxtrace=8000", "maxmcode=8192")
end

function fairlead.exit_worker()
    counters.release()
end

return fairlead
