-- Asks for another caller each time, and counts answers that are not a decision.
local bad = 0
local n = 0
local close = os.getenv("CONNECTION_CLOSE") == "1"
request = function()
  n = (n + 7) % 2000
  local body = string.format(
    '{"UniqueId":"1795417798.%d","Phone":"8029%d","TrunkId":"0001363","LoadDialPlan":"true"}', n, 2000000 + n)
  local headers = { ["Token"] = "demo-token-0367", ["Content-Type"] = "application/x-www-form-urlencoded" }
  if close then headers["Connection"] = "close" end
  return wrk.format("POST", nil, headers, body)
end
done = function(summary, latency, _)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.read + summary.errors.connect + summary.errors.timeout))
end
