-- The users of some buckets who are in a set, so that few of many need not all be sent.
--   KEYS[1] prefix of the app; ARGV[1] the set as a bitmap, ARGV[2...] the two bytes of each bucket
-- Returns id, value, ... of who is in it, and of who came after it was read: their indexes are beyond its end. As in the bucket, the
-- value is empty where the record has a key of its own.
local base, among, found = KEYS[1], ARGV[1], {}
for at = 2, #ARGV do
  local bucket = ARGV[at]
  local fields = redis.call('HGETALL', base .. 'b:' .. bucket)
  for place = 1, #fields, 2 do
    local id, value = bucket .. fields[place], fields[place + 1]
    local head = value ~= '' and value or redis.call('GETRANGE', base .. 'r:' .. id, 0, 3)
    local index = struct.unpack('<I4', head)
    local bits = string.byte(among, (index - index % 8) / 8 + 1)
    if not bits or bit.band(bits, bit.rshift(128, index % 8)) ~= 0 then
      found[#found + 1], found[#found + 2] = id, value
    end
  end
end
return found
