-- One circuit of one instance tells the fleet what it has to tell, and is told what the fleet knows. All of it is one
-- step of Redis, by Redis' own clock.
--
-- The record is a hash:  turn       a number that grows with every change; the time in ms where that is larger
--                        state      closed, open, half-open
--                        ends, span when the open time or the lease ends (ms), and how long it was
--                        by, why    who changed it last, and in words why
--                        openings   how often it opened since it was last closed
--                        mode, mode-turn   what was asked for by hand
-- The counts are a hash too: "<begin of a bucket in ms>:<kind>" -> how many.
local record, counts, version = KEYS[1], KEYS[2], KEYS[3]
local me, channel, name = ARGV[1], ARGV[2], ARGV[3]
local base, changed, mine, left = tonumber(ARGV[4]), ARGV[5] == '1', ARGV[6], tonumber(ARGV[7])
local lease, want, idle, probing = tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10]), ARGV[11] == '1'
local clear, my_why, keep = ARGV[12] == '1', ARGV[13], tonumber(ARGV[14])
local mode_base, mode_changed, my_mode = tonumber(ARGV[15]), ARGV[16] == '1', ARGV[17]
local window, bucket, judge = tonumber(ARGV[18]), tonumber(ARGV[19]), ARGV[20] == '1'

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local r = redis.call('HMGET', record, 'turn', 'state', 'ends', 'span', 'by', 'why', 'openings', 'mode', 'mode-turn')
local turn, state = tonumber(r[1]) or 0, r[2] or 'closed'
local ends, span = tonumber(r[3]) or 0, tonumber(r[4]) or 0
local by, why, openings = r[5] or '', r[6] or '', tonumber(r[7]) or 0
local mode, mode_turn = r[8] or 'auto', tonumber(r[9]) or 0
-- A clock that was set back makes nothing longer.
ends = math.min(ends, now + span)

-- What was counted since the last time. Stale buckets go whenever a new one is begun.
local totals = {}
local begins, begun = now - now % bucket, false
for i, kind in ipairs({ 'asked', 'succeeded', 'failed', 'slow' }) do
  local more = tonumber(ARGV[20 + i])
  if more > 0 and redis.call('HINCRBY', counts, string.format('%.0f:%s', begins, kind), more) == more then
    begun = true
  end
end
if begun then redis.call('PEXPIRE', counts, window + bucket) end
if begun or judge then
  local sums, stale = { asked = 0, succeeded = 0, failed = 0, slow = 0 }, {}
  local all = redis.call('HGETALL', counts)
  for i = 1, #all, 2 do
    local at, kind = string.match(all[i], '^(%d+):(%l+)$')
    at = tonumber(at)
    if at and sums[kind] and at > now - window and at <= now then
      sums[kind] = sums[kind] + (tonumber(all[i + 1]) or 0)
    else
      stale[#stale + 1] = all[i]
    end
  end
  for _, field in ipairs(stale) do redis.call('HDEL', counts, field) end
  totals = { sums.asked, sums.succeeded, sums.failed, sums.slow }
end

local wrote = 0
local function tell()
  redis.call('PEXPIRE', record, keep)
  local number = redis.call('INCR', version)
  redis.call('PEXPIRE', version, keep)
  redis.call('PUBLISH', channel, string.format('%.0f', number) .. ':' .. name)
end
local function write(to, length, reason)
  if to == 'open' then openings = openings + 1 elseif to == 'closed' then openings = 0 end
  turn, state, by, why, wrote = math.max(turn + 1, now), to, me, reason, 1
  ends, span = now + length, length
  redis.call('HSET', record, 'turn', string.format('%.0f', turn), 'state', state, 'by', by, 'why', why,
    'ends', string.format('%.0f', ends), 'span', string.format('%.0f', span), 'openings', openings)
  if to == 'closed' and clear then redis.call('DEL', counts) end
  tell()
end

if turn == 0 then
  -- Nothing is known, or not any more.
  if mine ~= 'closed' or base > 0 then write(mine, mine == 'half-open' and lease or left, my_why) end
elseif changed and base == turn then
  -- The instance knew all that the fleet knows: its own change is newer.
  if mine == 'half-open' then
    if now >= ends then write(mine, lease, my_why) end
  elseif mine ~= state or mine ~= 'closed' then
    write(mine, left, my_why)
  end
elseif changed and mine == 'open' and state == 'closed' then
  -- Of two changes made apart from each other the careful one holds.
  write(mine, left, my_why)
elseif base == turn and mine == 'open' and state == 'open' and now >= ends
    and (want == 'now' or now >= ends + idle) then
  write('half-open', lease, 'the open time was over')
elseif base == turn and mine == 'open' and state == 'half-open' and by ~= me and now >= ends and want == 'now' then
  write('half-open', lease, 'the lease of another was over')
elseif base == turn and mine == 'half-open' and state == 'half-open' and by == me and probing then
  ends, span = now + lease, lease
  redis.call('HSET', record, 'ends', string.format('%.0f', ends), 'span', string.format('%.0f', span))
end

if my_mode ~= '' and my_mode ~= mode and (mode_turn == 0 or (mode_changed and mode_base == mode_turn)) then
  mode, mode_turn = my_mode, math.max(mode_turn + 1, now)
  redis.call('HSET', record, 'mode', mode, 'mode-turn', string.format('%.0f', mode_turn))
  tell()
end

-- What is used is kept.
local ttl = redis.call('PTTL', record)
if ttl ~= -2 and ttl < keep / 2 then redis.call('PEXPIRE', record, keep) end

return { wrote, turn, state, math.max(ends - now, 0), by, why, openings, mode, mode_turn, totals }
