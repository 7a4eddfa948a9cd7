-- Compare and apply: each user whose record is still the one that was planned against gets its new record with every bit and sum
-- of it; of the others the current record is returned. Nothing is written before everything was read and found sound, since a
-- script does not roll back.
--   KEYS[1] prefix of the app, KEYS[2] the lease, KEYS[3] the lineage
--   ARGV[1] MessagePack: {inline bytes max, sparse members max, set names, {counter, field} pairs, ledger names, users}
--   a user: {id, expected or false, record, joins, leaves, {sum, amount, ...}, {{field, expected or false, bytes}, ...} or false,
--            {ledger, amount as text, ...} or false, whether what is stored apart goes first,
--            {reason, sum, amount, ...} of the cells that were complete already, or false}
--   ARGV[2] the last mark that the client has seen, ARGV[3] what makes a new one unique
-- Returns {place, current or false, ..., mark} with the users that were not applied, or 'paused'.
local base = KEYS[1]
local call = redis.call
if call('EXISTS', KEYS[2]) == 1 then return 'paused' end
local inline_max, sparse_max, set_names, sum_names, ledger_names, users = unpack(cmsgpack.unpack(ARGV[1]))
local CHUNK, CHUNK_BYTES, NONE = 65536, 8192, {}
-- Far below what Lua can unpack at once (8,000).
local BITS, WORDS = 250, 1000

-- 1. Compare. An empty value in the bucket says that the record is long and has a key of its own.
local conflicts, matching = {}, {}
for place, user in ipairs(users) do
  local id = user[1]
  local bucket, field = base .. 'b:' .. id:sub(1, 2), id:sub(3)
  local stored = call('HGET', bucket, field)
  local long = stored == ''
  if long then stored = call('GET', base .. 'r:' .. id) end
  local record = stored and stored:sub(5)
  local same = record == user[2]
  for _, part in ipairs(user[7] or NONE) do
    same = same and call('HGET', base .. 'k:' .. id, part[1]) == part[2]
  end
  if same then
    matching[#matching + 1] = {user, bucket, field, stored and stored:sub(1, 4), long}
  else
    conflicts[#conflicts + 1] = place - 1
    conflicts[#conflicts + 1] = record
  end
end
if #matching == 0 then
  conflicts[#conflicts + 1] = lineage(KEYS[3], ARGV[2], '')
  return conflicts
end

-- 2. Indexes for new users; which members each chunk of a set gains and loses; what each counter gains.
local given = tonumber(call('HGET', base .. 'n', 'users') or 0)
local chunks, sets, sums = {}, {}, {}
local function change(set, number, member, side)
  local mine = sets[set]
  if not mine then
    mine = {}
    sets[set] = mine
  end
  local chunk = mine[number]
  if not chunk then
    chunk = {{}, {}}
    mine[number] = chunk
    chunks[base .. 's:' .. set_names[set + 1] .. ':' .. number] = chunk
  end
  local members = chunk[side]
  members[#members + 1] = member
end
for _, match in ipairs(matching) do
  local user, index = match[1], match[4]
  if not index then
    index = struct.pack('<I4', given)
    match[4] = index
    given = given + 1
  end
  local place = struct.unpack('<I4', index)
  local member = place % CHUNK
  local number = (place - member) / CHUNK
  local joins, leaves, added = user[4], user[5], user[6]
  for at = 1, #joins do change(joins[at], number, member, 1) end
  for at = 1, #leaves do change(leaves[at], number, member, 2) end
  for at = 1, #added, 2 do sums[added[at]] = (sums[added[at]] or 0) + added[at + 1] end
end

-- 3. Read what the writes build on; a wrong type or a number that is none ends the call here.
for key, chunk in pairs(chunks) do
  chunk[3] = call('STRLEN', key)
  if chunk[3] ~= CHUNK_BYTES then chunk[4] = call('GET', key) or '' end
end
local counters = {}
for sum, amount in pairs(sums) do
  local name = sum_names[sum + 1]
  local counter = counters[name[1]]
  if not counter then
    counter = {{}, {}}
    counters[name[1]] = counter
  end
  local fields = counter[1]
  fields[#fields + 1] = name[2]
  counter[2][#fields] = amount
end
for name, counter in pairs(counters) do
  local fields, amounts = counter[1], counter[2]
  for at = 1, #fields, WORDS do
    local stored = call('HMGET', base .. 'c:' .. name, unpack(fields, at, math.min(at + WORDS - 1, #fields)))
    for place, text in ipairs(stored) do
      local number = tonumber(text or 0)
      if not number then error('counter ' .. name .. ' holds no number') end
      amounts[at + place - 1] = number + amounts[at + place - 1]
    end
  end
end

local ledgers = {}
for _, match in ipairs(matching) do
  local entries = match[1][8] or NONE
  local field = #entries > 0 and string.format('%d', (struct.unpack('<I4', match[4])))
  for at = 1, #entries, 2 do
    local ledger = ledgers[entries[at] + 1]
    if not ledger then
      ledger = {{}, {}}
      ledgers[entries[at] + 1] = ledger
    end
    local place = #ledger[1] + 1
    ledger[1][place], ledger[2][place] = field, entries[at + 1]
  end
end
for name, ledger in pairs(ledgers) do
  for at = 1, #ledger[1], WORDS do
    local stored = call('HMGET', base .. 'l:' .. ledger_names[name], unpack(ledger[1], at, math.min(at + WORDS - 1, #ledger[1])))
    for place, text in ipairs(stored) do
      if text and not tonumber(text) then error('ledger ' .. ledger_names[name] .. ' holds no number') end
      ledger[3] = ledger[3] or {}
      ledger[3][at + place - 1] = text
    end
  end
end

-- 4. Write.
local revisions = {}
for _, match in ipairs(matching) do
  local user, bucket, field, index, long = unpack(match)
  local value = index .. user[3]
  if #value > inline_max then
    call('SET', base .. 'r:' .. user[1], value)
    if not long then call('HSET', bucket, field, '') end
  else
    call('HSET', bucket, field, value)
    if long then call('DEL', base .. 'r:' .. user[1]) end
  end
  if user[9] then call('DEL', base .. 'k:' .. user[1]) end
  local revised = user[10] or NONE
  for at = 2, #revised, 2 do
    local name = sum_names[revised[at] + 1]
    local field = revised[1] .. name[1] .. '|' .. name[2]
    revisions[field] = (revisions[field] or 0) + revised[at + 1]
  end
  for _, part in ipairs(user[7] or NONE) do call('HSET', base .. 'k:' .. user[1], part[1], part[3]) end
end
local function bits(key, members, value)
  if #members == 1 then
    call('SETBIT', key, members[1], value)
    return
  end
  for at = 1, #members, BITS do
    local words = {'BITFIELD', key}
    for next = at, math.min(at + BITS - 1, #members) do
      local word = #words
      words[word + 1], words[word + 2], words[word + 3], words[word + 4] = 'SET', 'u1', members[next], value
    end
    call(unpack(words))
  end
end
-- A chunk of a set is a list of two bytes a member, in no order, or a bitmap; its length tells which.
local function set_list(key, list)
  if list ~= '' then call('SET', key, list) else call('DEL', key) end
end
local function to_bitmap(key, list)
  local members = {}
  for at = 1, #list, 2 do members[#members + 1] = struct.unpack('<I2', list, at) end
  call('SET', key, string.rep('\0', CHUNK_BYTES))
  bits(key, members, 1)
end
local function to_list(key)
  local bitmap, members = call('GET', key), {}
  local at = bitmap:find('%Z')
  while at do
    local byte = bitmap:byte(at)
    for place = 0, 7 do
      if bit.band(byte, bit.rshift(128, place)) ~= 0 then
        members[#members + 1] = struct.pack('<I2', 8 * (at - 1) + place)
      end
    end
    at = bitmap:find('%Z', at + 1)
  end
  set_list(key, table.concat(members))
end
-- What stays of a list, in pieces. Found by the search of strings: a loop over the members would take most of the time of a call.
local function without(list, lost)
  local places, pieces, from = {}, {}, 1
  for at = 1, #lost do
    local member = struct.pack('<I2', lost[at])
    local place = list:find(member, 1, true)
    -- The end of one member and the beginning of the next may look like it.
    while place and place % 2 == 0 do place = list:find(member, place + 1, true) end
    places[#places + 1] = place
  end
  table.sort(places)
  for at = 1, #places do
    pieces[at] = list:sub(from, places[at] - 1)
    from = places[at] + 2
  end
  pieces[#pieces + 1] = list:sub(from)
  return pieces
end
for key, chunk in pairs(chunks) do
  local gained, lost, length, list = unpack(chunk)
  if length == CHUNK_BYTES then
    bits(key, gained, 1)
    bits(key, lost, 0)
    -- Users pass through many a set, as through that of a first day until an earlier event comes. A list again only at half of what
    -- it may hold, so that a set at the limit does not go to and fro.
    if #lost > 0 and call('BITCOUNT', key) <= sparse_max / 2 then to_list(key) end
  else
    local pieces = #lost > 0 and without(list, lost) or {list}
    for at = 1, #gained do pieces[#pieces + 1] = struct.pack('<I2', gained[at]) end
    list = table.concat(pieces)
    if #list > 2 * sparse_max then to_bitmap(key, list) else set_list(key, list) end
  end
end
for name, counter in pairs(counters) do
  local key, fields, numbers = base .. 'c:' .. name, counter[1], counter[2]
  for at = 1, #fields, WORDS do
    local words = {}
    for place = at, math.min(at + WORDS - 1, #fields) do
      if numbers[place] == 0 then
        call('HDEL', key, fields[place])
      else
        words[#words + 1], words[#words + 2] = fields[place], string.format('%.0f', numbers[place])
      end
    end
    if #words > 0 then call('HSET', key, unpack(words)) end
  end
end
local waiting = {}
for field in pairs(revisions) do waiting[#waiting + 1] = field end
for at = 1, #waiting, WORDS do
  local last = math.min(at + WORDS - 1, #waiting)
  local stored, words = call('HMGET', base .. 'o', unpack(waiting, at, last)), {}
  for place = at, last do
    local change = tonumber(stored[place - at + 1] or 0) + revisions[waiting[place]]
    words[#words + 1], words[#words + 2] = waiting[place], string.format('%.0f', change)
  end
  call('HSET', base .. 'o', unpack(words))
end
-- Beyond 2^53 only the server's own addition is exact.
local EXACT = 2^52
for name, ledger in pairs(ledgers) do
  local key, words = base .. 'l:' .. ledger_names[name], {}
  for place, field in ipairs(ledger[1]) do
    local old, amount = tonumber(ledger[3][place] or 0), tonumber(ledger[2][place])
    if math.abs(old) > EXACT or math.abs(amount) > EXACT then
      if call('HINCRBY', key, field, ledger[2][place]) == 0 then call('HDEL', key, field) end
    elseif old + amount == 0 then
      call('HDEL', key, field)
    else
      words[#words + 1], words[#words + 2] = field, string.format('%.0f', old + amount)
    end
    if #words >= WORDS then
      call('HSET', key, unpack(words))
      words = {}
    end
  end
  if #words > 0 then call('HSET', key, unpack(words)) end
end
call('HSET', base .. 'n', 'users', given)
call('HINCRBY', base .. 'n', 'version', 1)
conflicts[#conflicts + 1] = lineage(KEYS[3], ARGV[2], ARGV[3])
return conflicts
