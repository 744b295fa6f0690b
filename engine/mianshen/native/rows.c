/* Keys and the rows that hang together by them: parents, children, a person's rows over time.

   Texts come as Arrow has them: `data` with `offset`s of 32 bits, or of 64 where `large`, one more than there are
   texts; `valid` is a bitmap or NULL. A row number is a place in its columns, from 0. */

typedef struct { const void *offset; const char *data; const byte *valid; word large; } texts;

static inline word begin_of(const texts *t, word i) {
  return t->large ? ((const int64_t *)t->offset)[i] : ((const int32_t *)t->offset)[i];
}
static inline const char *text_of(const texts *t, word i) { return t->data + begin_of(t, i); }
static inline word length_of(const texts *t, word i) { return begin_of(t, i + 1) - begin_of(t, i); }

static inline uint64_t hash_text(const texts *t, word i) {
  const char *text = text_of(t, i);
  word length = length_of(t, i);
  uint64_t h = 0x9E3779B97F4A7C15ull ^ (uint64_t)length, part;
  for (; length >= 8; text += 8, length -= 8) {
    memcpy(&part, text, 8);
    h = (h ^ part) * 0xFF51AFD7ED558CCDull;
    h ^= h >> 32;
  }
  part = 0;
  memcpy(&part, text, (size_t)length);
  h = (h ^ part) * 0xC4CEB9FE1A85EC53ull;
  return h ^ h >> 29;
}
static inline int compare_texts(const texts *a, word i, const texts *b, word j) {
  word one = length_of(a, i), two = length_of(b, j);
  int order = memcmp(text_of(a, i), text_of(b, j), (size_t)(one < two ? one : two));
  return order ? order : one < two ? -1 : one > two;
}
static inline int same_text(const texts *a, word i, const texts *b, word j) {
  word length = length_of(a, i);
  return length == length_of(b, j) && !memcmp(text_of(a, i), text_of(b, j), (size_t)length);
}

/* Rows by key: the first row of each key, found by hash. A place holds the row's number + 1, 0 where it is empty, and
   the hash's upper half. */
typedef struct { uint32_t row, tag; } slot;
typedef struct { uint64_t mask; slot *slot; } table;

enum { FETCHED = 16, LARGE_PAGE = 1 << 21 };

void table_free(table *t) {
  if (t) { free(t->slot); free(t); }
}
static inline word table_find(const table *t, const texts *keys, const texts *asked, word i, uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint64_t at = hash & t->mask; t->slot[at].row; at = (at + 1) & t->mask)
    if (t->slot[at].tag == tag && same_text(asked, i, keys, t->slot[at].row - 1)) return t->slot[at].row - 1;
  return -1;
}
/* Places that are empty; a table of many is in large pages where the system has them, for its places are asked for
   in no order. NULL: no memory. */
static slot *slots_of(uint64_t size) {
  size_t bytes = size * sizeof(slot);
  if (bytes < 4 * LARGE_PAGE) return calloc(size, sizeof(slot));
  slot *slots = aligned_alloc(LARGE_PAGE, bytes);
  if (!slots) return NULL;
#ifdef MADV_HUGEPAGE
  madvise(slots, bytes, MADV_HUGEPAGE);
#endif
  return memset(slots, 0, bytes);
}
/* A table of the keys of `n` rows. `first`: of each row the first row with its key, -1 where it has none; how many
   have an earlier one in `doubled`. The places of the next few rows are fetched ahead. NULL: no memory. */
table *table_of(const texts *keys, word n, int32_t *first, word *doubled) {
  table *t = malloc(sizeof *t);
  uint64_t size = 16, hashes[FETCHED] = {0};
  while (size < (uint64_t)n * 2) size *= 2;
  if (!t) return NULL;
  *t = (table){size - 1, slots_of(size)};
  if (!t->slot) { table_free(t); return NULL; }
  *doubled = 0;
  for (word next = 0; next < n + FETCHED; next++) {
    word i = next - FETCHED;
    uint64_t hash = hashes[next % FETCHED];
    if (next < n && known_at(keys->valid, next)) {
      hashes[next % FETCHED] = hash_text(keys, next);
      __builtin_prefetch(t->slot + (hashes[next % FETCHED] & t->mask), 1);
    }
    if (i < 0) continue;
    first[i] = -1;
    if (!known_at(keys->valid, i)) continue;
    uint32_t tag = (uint32_t)(hash >> 32);
    for (uint64_t at = hash & t->mask;; at = (at + 1) & t->mask) {
      slot *place = t->slot + at;
      if (!place->row) { *place = (slot){(uint32_t)i + 1, tag}; first[i] = (int32_t)i; break; }
      if (place->tag == tag && same_text(keys, i, keys, place->row - 1)) {
        first[i] = (int32_t)place->row - 1;
        ++*doubled;
        break;
      }
    }
  }
  return t;
}
/* Whether every key is greater than the one before, so that no two are the same. */
int ascending(const texts *keys, word n) {
  for (word i = 0; i < n; i++)
    if (!known_at(keys->valid, i) || (i && compare_texts(keys, i - 1, keys, i) >= 0)) return 0;
  return 1;
}
/* The parent of each child from `low` to `high`: its row, -1 where there is none of that key, -2 where the child names
   none. Files are often in the order of the parents: where keys are unique, the last parent and the few after it are
   tried first; the others are looked up many at a time, so that their places in the table are fetched together. */
enum { NEAR = 6, BATCH = 64 };
void parents_of(const table *t, const texts *keys, word parents, int unique, const texts *asked, word low, word high,
                int32_t *out) {
  word last = -1, waiting[BATCH], count = 0;
  uint64_t hash[BATCH];
  for (word i = low; i < high || count; i++) {
    if (i < high) {
      if (!known_at(asked->valid, i)) { out[i] = -2; continue; }
      if (unique) {
        word end = last + NEAR < parents ? last + NEAR : parents, at = last < 0 ? 0 : last;
        while (at < end && !(known_at(keys->valid, at) && same_text(asked, i, keys, at))) at++;
        if (at < end) { out[i] = (int32_t)(last = at); continue; }
      }
      hash[count] = hash_text(asked, i);
      __builtin_prefetch(t->slot + (hash[count] & t->mask));
      waiting[count++] = i;
      if (count < BATCH && i + 1 < high) continue;
    }
    for (word n = 0; n < count; n++) {
      uint32_t row = t->slot[hash[n] & t->mask].row;
      if (row) __builtin_prefetch((const char *)keys->offset + (row - 1) * (keys->large ? 8 : 4));
    }
    for (word n = 0; n < count; n++) {
      uint32_t row = t->slot[hash[n] & t->mask].row;
      if (row) __builtin_prefetch(text_of(keys, row - 1));
    }
    for (word n = 0; n < count; n++) {
      word found = table_find(t, keys, asked, waiting[n], hash[n]);
      out[waiting[n]] = (int32_t)found;
      if (found >= 0) last = found;
    }
    count = 0;
    if (i + 1 >= high) break;
  }
}
/* Whether row `a` comes before row `b`: those without a day first, then by day, then by key. */
typedef struct { const int32_t *day; const byte *dated; const texts *keys; } turn;
static int before(const turn *t, int32_t a, int32_t b) {
  int one = t->day && known_at(t->dated, a), two = t->day && known_at(t->dated, b);
  if (one != two) return two;
  if (one && t->day[a] != t->day[b]) return t->day[a] < t->day[b];
  int order = known_at(t->keys->valid, a) - known_at(t->keys->valid, b);
  if (!order && known_at(t->keys->valid, a)) order = compare_texts(t->keys, a, t->keys, b);
  return order ? order < 0 : a < b;
}
/* Rows put into turn: by insertion where they are few or nearly in it, else by merging. `spare`: room for as many. */
static void put_in_turn(const turn *t, int32_t *row, word n, int32_t *spare) {
  if (n > 32) {
    word half = n / 2, i = 0, j = half;
    put_in_turn(t, row, half, spare);
    put_in_turn(t, row + half, n - half, spare);
    if (before(t, row[half - 1], row[half])) return;
    memcpy(spare, row, (size_t)n * sizeof *row);
    for (word at = 0; at < n; at++) row[at] = i < half && (j == n || before(t, spare[i], spare[j])) ? spare[i++] : spare[j++];
    return;
  }
  for (word i = 1; i < n; i++) {
    int32_t moved = row[i];
    word at = i;
    for (; at > 0 && before(t, moved, row[at - 1]); at--) row[at] = row[at - 1];
    row[at] = moved;
  }
}
/* The children of each parent: `begin` (parents + 1 places) into `row`, those of one parent in turn. 0: no memory. */
int children_of(const int32_t *parent, word n, word parents, const int32_t *day, const byte *dated, const texts *keys,
                int32_t *begin, int32_t *row) {
  memset(begin, 0, (size_t)(parents + 1) * sizeof *begin);
  for (word i = 0; i < n; i++)
    if (parent[i] >= 0) begin[parent[i] + 1]++;
  word most = 0;
  for (word p = 0; p < parents; p++) {
    if (begin[p + 1] > most) most = begin[p + 1];
    begin[p + 1] += begin[p];
  }
  for (word i = 0; i < n; i++)
    if (parent[i] >= 0) row[begin[parent[i]]++] = (int32_t)i;
  for (word p = parents; p > 0; p--) begin[p] = begin[p - 1];
  begin[0] = 0;
  int32_t *spare = most > 32 ? malloc((size_t)most * sizeof *spare) : NULL;
  if (most > 32 && !spare) return 0;
  turn t = {day, dated, keys};
  for (word p = 0; p < parents; p++) put_in_turn(&t, row + begin[p], begin[p + 1] - begin[p], spare);
  free(spare);
  return 1;
}

/* -- a person's rows over time ------------------------------------------------------------------------------------ */

/* Places of `STATUSES`. */
enum { DECIDED, HISTORY, REVERSED, REJECTED, PARENT_REJECTED, DUPLICATE, UNKNOWN_PARENT, TOO_FEW_SAID, UNPLACED,
       REVERSES_NOTHING, ALREADY_REVERSED, FAILED };
enum { ALWAYS = INT32_MIN, BLANK = -1 };

typedef struct { int32_t start, row; } begun;
static int by_start(const void *a, const void *b) {
  const begun *one = a, *two = b;
  return one->start != two->start ? (one->start < two->start ? -1 : 1) : (one->row > two->row) - (one->row < two->row);
}
/* Which row each person is on the day `as_of`. `first`: the first row with the key of each (-1: a row of its own);
   `start`: from when each holds; `unread`: 1 where that is given and wrong, or NULL; `status` as far as it is known.
   Fills in `person`: of each row the one in force, and `next`: from that one on, the person's other rows, -1 at the
   end; `early`: 1 on the rows that stand for a person of whom nothing is known yet. 0: no memory. */
int persons_of(const int32_t *first, word n, const int32_t *start, const byte *unread, int32_t as_of, int32_t *person,
               int32_t *next, byte *early, byte *status) {
  word room = 16;
  begun *rows = malloc((size_t)room * sizeof *rows);
  if (!rows) return 0;
  for (word i = 0; i < n; i++) { person[i] = (int32_t)i; next[i] = -1; early[i] = 0; }
  for (word i = n - 1; i >= 0; i--)
    if (first[i] >= 0 && first[i] != i) { next[i] = next[first[i]]; next[first[i]] = (int32_t)i; }
  for (word head = 0; head < n; head++) {
    if (first[head] >= 0 && first[head] != head) continue;
    word count = 0;
    int unplaced = 0;
    for (int32_t r = (int32_t)head; r >= 0; r = next[r]) {
      if (count == room) {
        void *more = realloc(rows, (size_t)(room *= 2) * sizeof *rows);
        if (!more) { free(rows); return 0; }
        rows = more;
      }
      rows[count++] = (begun){start[r], r};
      unplaced |= unread && unread[r];
    }
    word now = 0;
    if (count > 1 && !unplaced) qsort(rows, (size_t)count, sizeof *rows, by_start);
    for (word i = 0; i < count; i++) {
      byte *mine = status + rows[i].row;
      int twice = (i && rows[i - 1].start == rows[i].start) || (i + 1 < count && rows[i + 1].start == rows[i].start);
      if ((!*mine || *mine == UNKNOWN_PARENT) && (unplaced || twice)) *mine = unplaced ? UNPLACED : DUPLICATE;
      if (!unplaced && rows[i].start <= as_of && (!i || rows[i].start != rows[i - 1].start)) now = i;
    }
    int32_t current = rows[now].row;
    early[current] = !unplaced && rows[now].start > as_of;
    for (word i = 0; i < count; i++) { /* the household of another time, or of one who is not known yet, is not asked for */
      byte *mine = status + rows[i].row;
      if (*mine == UNKNOWN_PARENT && (i != now || early[current])) *mine = DECIDED;
    }
    for (word i = 0; i < count; i++) {
      byte *mine = status + rows[i].row;
      person[rows[i].row] = current;
      if (i == now) continue;
      if (status[current] >= REJECTED && *mine < REJECTED) *mine = PARENT_REJECTED;
      if (*mine == DECIDED) *mine = HISTORY;
    }
    int32_t last = current;
    for (word i = 0; i < count; i++)
      if (i != now) last = next[last] = rows[i].row;
    next[last] = -1;
  }
  free(rows);
  return 1;
}
/* The row that each child reads: that of its day, its person's where it has none; BLANK before the first. */
void read_rows(const int32_t *person, word n, const int32_t *day, const byte *dated, const int32_t *start,
               const int32_t *next, const byte *early, int32_t as_of, int32_t *under) {
  for (word i = 0; i < n; i++) {
    int32_t p = under[i] = person[i];
    if (p < 0 || !day || !known_at(dated, i)) continue;
    if (early[p] || (next[p] < 0 && start[p] <= day[i])) continue;
    int32_t best = BLANK;
    for (int32_t r = p; r >= 0; r = next[r])
      if (start[r] <= day[i] && (best < 0 || start[r] > start[best])) best = r;
    under[i] = best;
  }
}
