-- Sends the driver's requests in turn and counts the answers that hold the value each asked for.
--
-- BENCH_REQUESTS names a file with a line for each page: the expected text, path, cookie and body, with tabs between. Each
-- thread has pages of its own (BENCH_THREADS says how many threads there are). Where jobs are started there are many more
-- pages than connections, so that no page has two requests at once: the second start of a job would take the place of the
-- first. Each page asks for a text that no other asks for; an answer counts if it holds a text that is being waited for.
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
    -- A job that is not done within the first wait: a page would poll for it. Not counted.
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
