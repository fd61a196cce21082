-- What wrk runs: plain GETs, or registrations with an e-mail of their own each, dealt over the runs in turn; then a line of JSON.
--
--   wrk ... -s load.lua URL                        the same GET again and again
--   wrk ... -s load.lua URL -- SALT RUN [RUN ...]  POST registrations; SALT keeps the e-mails of two rounds apart

local body = '{"eventRunId":"%s","email":"%s-%d@example.com","name":"Alex Johnson","registrationType":"free","status":"confirmed"}'

function init(args)
  if #args < 2 then return end
  local sent = 0
  wrk.headers["Content-Type"] = "application/json"
  -- Defined only here: without a request function wrk builds its request once.
  request = function()
    sent = sent + 1
    return wrk.format("POST", nil, nil, body:format(args[2 + sent % (#args - 1)], args[1], sent))
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
