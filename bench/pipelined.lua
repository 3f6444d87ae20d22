-- For wrk: sixteen requests at once.
local all

function init()
   all = string.rep(wrk.format("GET"), 16)
end

function request()
   return all
end
