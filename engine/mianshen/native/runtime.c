/* What every compiled program shares: numbers, days, keys and their rows. Nothing here knows a rule.

   Texts come as Arrow has them: `data` with 32-bit `offset`s, one more than there are texts; `valid` is a bitmap or
   NULL. A row number is a place in its columns, from 0. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t word;
typedef __int128 wide;
typedef unsigned __int128 names; /* a set of missing names, a bit each */
typedef uint8_t byte;

#define BIT(n) ((names)1 << (n))
#define NOBODY (-1)
#define PERHAPS (-2)
#define NO_DAY INT64_MIN

static inline int bit_at(const byte *bits, word i) { return bits[i >> 3] >> (i & 7) & 1; }
static inline int known_at(const byte *valid, word i) { return !valid || bit_at(valid, i); }
static inline byte most(byte a, byte b) { return a > b ? a : b; }

/* -- numbers: quotients rounded as one operation --------------------------------------------------------------- */

static inline word min_word(word a, word b) { return a < b ? a : b; }
static inline word max_word(word a, word b) { return a > b ? a : b; }
static inline wide min_wide(wide a, wide b) { return a < b ? a : b; }
static inline wide max_wide(wide a, wide b) { return a > b ? a : b; }
static inline word abs_word(word a) { return a < 0 ? -a : a; }
static inline wide abs_wide(wide a) { return a < 0 ? -a : a; }

/* AWAY says whether what is left over moves the quotient away from zero */
#define ROUNDING(NAME, TYPE, AWAY)                                                   \
  static inline TYPE NAME##_of_##TYPE(TYPE a, TYPE b) {                              \
    int negative = (a < 0) != (b < 0);                                               \
    TYPE top = a < 0 ? -a : a, size = b < 0 ? -b : b, quotient = top / size, rest = top % size; \
    if (AWAY) quotient++;                                                            \
    return negative ? -quotient : quotient;                                          \
  }
#define ROUNDINGS(NAME, AWAY)                                                        \
  ROUNDING(NAME, word, AWAY)                                                         \
  ROUNDING(NAME, wide, AWAY)                                                         \
  static inline word NAME##_word(word a, word b) { return NAME##_of_word(a, b); }    \
  static inline wide NAME##_wide(wide a, wide b) {                                   \
    return (word)a == a && (word)b == b ? NAME##_of_word((word)a, (word)b) : NAME##_of_wide(a, b); \
  }
ROUNDINGS(half_up, rest >= size - rest)
ROUNDINGS(half_down, rest > size - rest)
ROUNDINGS(half_even, rest > size - rest || (rest == size - rest && (quotient & 1)))
ROUNDINGS(up, rest > 0)
ROUNDINGS(down, 0)
ROUNDINGS(floor, rest > 0 && negative)
ROUNDINGS(ceiling, rest > 0 && !negative)

/* -- days since 1970-01-01 in the proleptic Gregorian calendar -------------------------------------------------- */

typedef struct { word year; int month, day; } civil;

static inline civil civil_of(word days) {
  word z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
  word yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int mp = (int)((5 * doy + 2) / 153), month = mp < 10 ? mp + 3 : mp - 9;
  return (civil){yoe + era * 400 + (month <= 2), month, (int)(doy - (153 * mp + 2) / 5 + 1)};
}
static inline word days_from(word year, int month, int day) {
  year -= month <= 2;
  word era = (year >= 0 ? year : year - 399) / 400, yoe = year - era * 400;
  word doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}
static inline int in_year(civil d) { return d.month * 100 + d.day; }
static inline word age_of(word born, word on) {
  civil b = civil_of(born), o = civil_of(on);
  return o.year - b.year - (in_year(o) < in_year(b));
}
static inline word benefit_year(word day, int start) {
  civil d = civil_of(day);
  return d.year - (in_year(d) < start);
}
static inline word year_of(word day) { return civil_of(day).year; }
static inline word month_of(word day) { return civil_of(day).month; }
static inline word day_of(word day) { return civil_of(day).day; }
static inline word days_between_of(word from, word to) { return to - from; }
static inline word within_years(word day) { return day < -719162 || day > 2932896 ? NO_DAY : day; }
static inline word add_days(word day, word count) { return within_years(day + count); }
static inline word add_months(word day, word count) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  civil d = civil_of(day);
  word index = d.year * 12 + d.month - 1 + count, year = index >= 0 ? index / 12 : (index - 11) / 12;
  int month = (int)(index - year * 12) + 1;
  if (year < 1 || year > 9999) return NO_DAY;
  int last = lengths[month - 1] + (month == 2 && (year % 4 == 0 && (year % 100 || year % 400 == 0)));
  return days_from(year, month, d.day < last ? d.day : last);
}

/* -- keys ------------------------------------------------------------------------------------------------------- */

typedef struct { const int32_t *offset; const char *data; const byte *valid; } texts;

static inline uint64_t hash_text(const char *text, int32_t length) {
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
  int32_t one = a->offset[i + 1] - a->offset[i], two = b->offset[j + 1] - b->offset[j];
  int found = memcmp(a->data + a->offset[i], b->data + b->offset[j], (size_t)(one < two ? one : two));
  return found ? found : one - two;
}
static inline int same_text(const texts *a, word i, const texts *b, word j) {
  int32_t one = a->offset[i + 1] - a->offset[i];
  return one == b->offset[j + 1] - b->offset[j] &&
         !memcmp(a->data + a->offset[i], b->data + b->offset[j], (size_t)one);
}

/* Rows by key: the first row of each key, found by hash; `tag` holds the hash's upper half. */
typedef struct { uint64_t mask; uint32_t *row, *tag; } table;

void table_free(table *t) {
  if (t) { free(t->row); free(t->tag); free(t); }
}
static inline word table_find(const table *t, const texts *keys, const texts *asked, word i, uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint64_t at = hash & t->mask; t->row[at]; at = (at + 1) & t->mask)
    if (t->tag[at] == tag && same_text(asked, i, keys, t->row[at] - 1)) return t->row[at] - 1;
  return -1;
}
/* A table of the keys of `n` rows. Of rows that share one, each is marked in `bad`. NULL: no memory. */
table *table_of(const texts *keys, word n, byte *bad) {
  table *t = malloc(sizeof *t);
  uint64_t size = 16;
  while (size < (uint64_t)n * 2) size *= 2;
  if (!t) return NULL;
  *t = (table){size - 1, calloc(size, sizeof(uint32_t)), malloc(size * sizeof(uint32_t))};
  if (!t->row || !t->tag) { table_free(t); return NULL; }
  for (word i = 0; i < n; i++) {
    if (!known_at(keys->valid, i)) continue;
    uint64_t hash = hash_text(keys->data + keys->offset[i], keys->offset[i + 1] - keys->offset[i]);
    uint64_t at = hash & t->mask;
    uint32_t tag = (uint32_t)(hash >> 32);
    for (;; at = (at + 1) & t->mask) {
      if (!t->row[at]) { t->row[at] = (uint32_t)i + 1; t->tag[at] = tag; break; }
      if (t->tag[at] == tag && same_text(keys, i, keys, t->row[at] - 1)) {
        bad[i] = bad[t->row[at] - 1] = 1;
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
      hash[count] = hash_text(asked->data + asked->offset[i], asked->offset[i + 1] - asked->offset[i]);
      __builtin_prefetch(t->row + (hash[count] & t->mask));
      __builtin_prefetch(t->tag + (hash[count] & t->mask));
      waiting[count++] = i;
      if (count < BATCH && i + 1 < high) continue;
    }
    for (word n = 0; n < count; n++) {
      uint32_t row = t->row[hash[n] & t->mask];
      if (row) __builtin_prefetch(keys->offset + row - 1);
    }
    for (word n = 0; n < count; n++) {
      uint32_t row = t->row[hash[n] & t->mask];
      if (row) __builtin_prefetch(keys->data + keys->offset[row - 1]);
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
/* The children of each parent: `begin` (parents + 1 places) into `row`, in the order of the file; those of one parent
   then by `day` and key where there is a `day`. */
void children_of(const int32_t *parent, word n, word parents, const int32_t *day, const texts *keys, int32_t *begin,
                 int32_t *row) {
  memset(begin, 0, (size_t)(parents + 1) * sizeof *begin);
  for (word i = 0; i < n; i++)
    if (parent[i] >= 0) begin[parent[i] + 1]++;
  for (word p = 0; p < parents; p++) begin[p + 1] += begin[p];
  for (word i = 0; i < n; i++)
    if (parent[i] >= 0) row[begin[parent[i]]++] = (int32_t)i;
  for (word p = parents; p > 0; p--) begin[p] = begin[p - 1];
  begin[0] = 0;
  if (!day) return;
  for (word p = 0; p < parents; p++)
    for (word i = begin[p] + 1; i < begin[p + 1]; i++) {
      int32_t moved = row[i];
      word at = i;
      for (; at > begin[p]; at--) {
        int32_t other = row[at - 1];
        if (day[other] < day[moved] || (day[other] == day[moved] && compare_texts(keys, other, keys, moved) <= 0)) break;
        row[at] = other;
      }
      row[at] = moved;
    }
}
/* Bytes of 0 and 1 as an Arrow bitmap; how many are 0. */
word pack_bits(const byte *bytes, word n, byte *bits) {
  word zeros = 0;
  memset(bits, 0, (size_t)((n + 7) / 8));
  for (word i = 0; i < n; i++) {
    bits[i >> 3] |= (byte)(bytes[i] << (i & 7));
    zeros += !bytes[i];
  }
  return zeros;
}

/* -- sets of missing names, each once ---------------------------------------------------------------------------- */

enum { SETS = 1 << 16, AHEAD = 8 };
typedef struct { names set[SETS]; int32_t id[SETS]; int32_t lock, count; names by_id[SETS / 2]; } sets;

sets *sets_new(void) { return calloc(1, sizeof(sets)); }
void sets_free(sets *s) { free(s); }
int32_t sets_count(const sets *s) { return s->count; }
const void *sets_list(const sets *s) { return s->by_id; }

/* The number of a set, from 0; -1 when there are too many. */
static int32_t set_id(sets *s, names set) {
  uint64_t at = ((uint64_t)set * 0x9E3779B97F4A7C15ull ^ (uint64_t)(set >> 64) * 0xC4CEB9FE1A85EC53ull) >> 48;
  for (;; at = (at + 1) % SETS) {
    int32_t id = __atomic_load_n(&s->id[at], __ATOMIC_ACQUIRE);
    if (!id) {
      while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE)) {}
      id = s->id[at];
      if (!id && s->count < SETS / 2) {
        s->set[at] = set;
        s->by_id[s->count] = set;
        id = ++s->count;
        __atomic_store_n(&s->id[at], id, __ATOMIC_RELEASE);
      }
      __atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
      if (!id) return -1;
    }
    if (s->set[at] == set) return id - 1;
  }
}

/* -- columns and rows of one run ---------------------------------------------------------------------------------- */

struct run {
  word as_of;
  const void *const *in;      /* a column a fact */
  const byte *const *valid;   /* its bitmap, or NULL */
  void *const *out;           /* a column an output */
  const int32_t *const *begin;/* an entity: where each parent's rows begin in `row` */
  const int32_t *const *row;
  const byte *const *bad;     /* an entity: rows that are wrong */
  byte *const *left;          /* an entity: rows left to the SQL room */
  char *const *packed;        /* an entity: rows as they are read, cells side by side, or NULL */
  char *const *made;          /* an entity: rows as they are written */
  const int32_t *places;      /* a root row, or -1 - a row below that has no root */
  sets *missing;
};
