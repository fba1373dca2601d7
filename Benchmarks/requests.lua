-- Sends the requests of the driver in turn, and counts the responses with an expected value.
--
-- BENCH_REQUESTS is the path of a file with one line per page: expected text, path, cookie and body, separated by tabs. The
-- pages are divided among the threads (BENCH_THREADS is their number). Tests of jobs use many more pages than connections,
-- so that no page has two requests at once: a second start would replace the first job. The expected text of each page is
-- unique; a response counts if it contains the text of a pending request.
local threads = {}
function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

local requests, texts, sent = {}, {}, 0
local waiting = {}
finished, pending, wrong = 0, 0, 0
example = ""

function init()
  local share, place = tonumber(os.getenv("BENCH_THREADS")), 0
  for line in io.lines(os.getenv("BENCH_REQUESTS")) do
    if place % share == number - 1 then
      local text, path, cookie, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
      texts[#texts + 1] = text
      requests[#requests + 1] = wrk.format("POST", path, {
        ["Content-Type"] = "application/json",
        ["Accept"] = "application/json",
        ["Sec-Fetch-Site"] = "same-origin",
        ["Cookie"] = cookie,
      }, body)
    end
    place = place + 1
  end
end

function request()
  sent = sent % #requests + 1
  local text = texts[sent]
  waiting[text] = (waiting[text] or 0) + 1
  return requests[sent]
end

function response(status, headers, body)
  local text = status == 200 and body:match('"response":.*"children":"(.-)"')
  if text and (waiting[text] or 0) > 0 then
    waiting[text] = waiting[text] - 1
    finished = finished + 1
  elseif status == 200 and body:find('"job":"', 1, true) and not body:find('"response"', 1, true) then
    -- The job did not finish within the first request, and a page would poll. Not counted as finished.
    pending = pending + 1
  else
    wrong = wrong + 1
    example = status .. " " .. body:sub(1, 300):gsub("%c", " ")
  end
end

function done(summary, latency)
  local finished, pending, wrong, example = 0, 0, 0, ""
  for _, thread in ipairs(threads) do
    finished = finished + thread:get("finished")
    pending = pending + thread:get("pending")
    wrong = wrong + thread:get("wrong")
    if thread:get("example") ~= "" then example = thread:get("example") end
  end
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d %d %d\n", finished, pending, wrong, errors, summary.duration,
    latency:percentile(50), latency:percentile(99)))
  io.write("EXAMPLE " .. example .. "\n")
end
