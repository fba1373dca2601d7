-- Each connection sends its own of the requests that the driver wrote, one after the other: a line each of path, cookie
-- and body. Two at once from one page would not do: the second start of a job takes the place of the first.
local file = assert(io.open(os.getenv("BENCH_REQUESTS")))
local requests = {}
for line in file:lines() do
  local path, cookie, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
  requests[#requests + 1] = wrk.format("POST", path, {
    ["Content-Type"] = "application/json",
    ["Accept"] = "application/json",
    ["Sec-Fetch-Site"] = "same-origin",
    ["Cookie"] = cookie,
  }, body)
end
file:close()

-- One thread for each connection: `number` tells which this is.
function request()
  return requests[(number - 1) % #requests + 1]
end

-- An answer counts only if it holds the value.
local threads = {}
function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end
finished, pending, failed = 0, 0, 0
function response(status, headers, body)
  if status == 200 and body:find('"response"', 1, true) then
    finished = finished + 1
  elseif status == 200 then
    pending = pending + 1
  else
    failed = failed + 1
  end
end

function done(summary, latency)
  local finished, pending, failed = 0, 0, 0
  for _, thread in ipairs(threads) do
    finished = finished + thread:get("finished")
    pending = pending + thread:get("pending")
    failed = failed + thread:get("failed")
  end
  io.write(string.format("RESULT %d %d %d %d %d %d\n", finished, pending, failed, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
