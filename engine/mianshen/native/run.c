/* One run: its columns, the households of one thread, the sets of missing names.

   A set of missing names is 128 bits while a household is decided. A bit stands for a name of the program or for a
   rejected row of that household, whichever `local` says. Outside a household a set is a number: `sets` lists the
   codes of each, a name's place, or (entity + 1) << 32 | row. */

#define NOBODY (-1)
#define PERHAPS (-2)
#define CONFLICT (-3)
#define BIT(n) NAME_BIT(n)
enum { AHEAD = 8, BITS = 128, CACHED = 1 << 10, LATEST = 16 };

struct sets {
  word *code, codes, code_room;     /* all sets one after the other */
  word *begin, count, room;         /* where each begins in `code` */
  int32_t *slot;                    /* sets by hash: their numbers from 1 */
  uint64_t slots;
  int32_t lock;
};
typedef struct sets sets;

void sets_free(sets *s) {
  if (s) { free(s->code); free(s->begin); free(s->slot); free(s); }
}
sets *sets_new(void) {
  sets *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->room = s->code_room = 1 << 10;
  s->slots = 1 << 12;
  s->code = malloc((size_t)s->code_room * sizeof(word));
  s->begin = calloc((size_t)s->room + 1, sizeof(word));
  s->slot = calloc(s->slots, sizeof(int32_t));
  if (s->code && s->begin && s->slot) return s;
  sets_free(s);
  return NULL;
}
word sets_count(const sets *s) { return s->count; }
const word *sets_begin(const sets *s) { return s->begin; }
const word *sets_codes(const sets *s) { return s->code; }

static uint64_t hash_codes(const word *code, word n) {
  uint64_t h = 0x9E3779B97F4A7C15ull ^ (uint64_t)n;
  for (word i = 0; i < n; i++) {
    h = (h ^ (uint64_t)code[i]) * 0xFF51AFD7ED558CCDull;
    h ^= h >> 32;
  }
  return h;
}
static int sets_grow(sets *s, word n) {
  if (s->codes + n > s->code_room) {
    word room = (s->codes + n) * 2;
    void *more = realloc(s->code, (size_t)room * sizeof(word));
    if (!more) return 0;
    s->code = more; s->code_room = room;
  }
  if (s->count == s->room) {
    void *more = realloc(s->begin, ((size_t)s->room * 2 + 1) * sizeof(word));
    if (!more) return 0;
    s->begin = more; s->room *= 2;
  }
  if ((uint64_t)s->count * 2 < s->slots) return 1;
  uint64_t size = s->slots * 4;
  int32_t *slot = calloc(size, sizeof *slot);
  if (!slot) return 0;
  for (word i = 0; i < s->count; i++) {
    uint64_t at = hash_codes(s->code + s->begin[i], s->begin[i + 1] - s->begin[i]) & (size - 1);
    while (slot[at]) at = (at + 1) & (size - 1);
    slot[at] = (int32_t)i + 1;
  }
  free(s->slot);
  s->slot = slot; s->slots = size;
  return 1;
}
/* The number of a set, from 0; -1: no memory. */
static int32_t sets_number(sets *s, const word *code, word n) {
  while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE)) {}
  int32_t number = -1;
  if (sets_grow(s, n)) {
    uint64_t at = hash_codes(code, n) & (s->slots - 1);
    for (; s->slot[at]; at = (at + 1) & (s->slots - 1)) {
      word other = s->slot[at] - 1, size = s->begin[other + 1] - s->begin[other];
      if (size == n && !memcmp(s->code + s->begin[other], code, (size_t)n * sizeof(word))) { number = (int32_t)other; break; }
    }
    if (number < 0) {
      memcpy(s->code + s->codes, code, (size_t)n * sizeof(word));
      s->begin[++s->count] = s->codes += n;
      number = s->slot[at] = (int32_t)s->count;
      number--;
    }
  }
  __atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
  return number;
}

/* What the bits of one household stand for, and the numbers of sets that were asked for. The first `fixed` bits stand
   for the program's names in every household. */
typedef struct {
  word code[BITS];
  int32_t count, full, kept;
  names latest[LATEST], cached[CACHED];
  int32_t latest_number[LATEST], cached_number[CACHED]; /* from 1 */
} local;

static inline names local_bit(local *l, word code) {
  for (int32_t i = l->count - 1; i >= FIXED; i--)
    if (l->code[i] == code) return (names)1 << i;
  if (l->count == BITS) { l->full = 1; return 0; }
  l->code[l->count] = code;
  return (names)1 << l->count++;
}
static void local_begin(local *l) {
  l->count = FIXED;
  l->full = l->kept = 0;
}
static int by_code(const void *a, const void *b) {
  word one = *(const word *)a, two = *(const word *)b;
  return (one > two) - (one < two);
}
static int32_t set_id(local *l, sets *s, names set) {
  int everywhere = !(set >> FIXED);
  uint64_t at = ((uint64_t)set * 0x9E3779B97F4A7C15ull ^ (uint64_t)(set >> 64) * 0xC4CEB9FE1A85EC53ull) >> 48 & (CACHED - 1);
  if (everywhere) {
    if (l->cached_number[at] && l->cached[at] == set) return l->cached_number[at] - 1;
  } else
    for (int32_t i = 0; i < l->kept && i < LATEST; i++)
      if (l->latest[i] == set) return l->latest_number[i] - 1;
  word code[BITS], n = 0;
  for (int32_t i = 0; i < l->count; i++)
    if (set >> i & 1) code[n++] = l->code[i];
  if (!everywhere) qsort(code, (size_t)n, sizeof *code, by_code);
  int32_t number = sets_number(s, code, n);
  if (number < 0) return -1;
  if (everywhere) {
    l->cached[at] = set;
    l->cached_number[at] = number + 1;
  } else {
    l->latest[l->kept % LATEST] = set;
    l->latest_number[l->kept++ % LATEST] = number + 1;
  }
  return number;
}

/* A value of a figure: its days, the last one before which it is to be reviewed, its two halves. */
struct figure { word start, end, review, known, low, high; };

struct run {
  word as_of;
  const void *const *in;         /* a column a fact */
  const byte *const *valid;      /* its bitmap, or NULL */
  const byte *const *wrong;      /* 1 where it was given and is wrong, or NULL */
  void *const *out;              /* a column an output */
  const int32_t *const *begin;   /* an entity: where each parent's rows begin in `row` */
  const int32_t *const *row;
  byte *const *status;           /* an entity: places of STATUSES */
  byte *const *fallback;         /* an entity: 1 in a household in which deciding fails */
  const int32_t *const *under;   /* an entity: the row of its parent that each reads, or NULL */
  const int32_t *const *voider;  /* an entity: a rejected row that would void it, or -1; or NULL */
  char *const *packed;           /* an entity: rows as they are read, cells side by side, or NULL */
  char *const *unpacked;         /* an entity: rows as they are written */
  const int32_t *level;          /* a household: which entity its first row is of, from the root; those above are blank */
  const int32_t *places;         /* that row */
  const int32_t *next, *start;   /* the entry's rows over time (`persons_of`), or NULL */
  const byte *early;
  const int32_t *const *turn;    /* an entity whose rows are taken in turn beyond a parent's: the place of each, or NULL */
  sets *missing;
  const word *list_begin;        /* every list, by number: where its items begin in `list_item` */
  const int32_t *list_item;      /* places in `Layout.listed` */
  const word *figure_begin;      /* a figure: where its values begin in `figures` */
  const struct figure *figures;
};
static inline byte figure_at(const struct run *run, int number, word day, const struct figure **at) {
  const struct figure *end = run->figures + run->figure_begin[number + 1];
  for (const struct figure *f = run->figures + run->figure_begin[number]; f < end; f++)
    if (day >= f->start && day <= f->end) { *at = f; return day > f->review ? 3 : !f->known; }
  return 3;
}
static inline word list_count(const struct run *run, word list) { return run->list_begin[list + 1] - run->list_begin[list]; }
static word list_contains(const struct run *run, word list, int32_t item) {
  for (word i = run->list_begin[list]; i < run->list_begin[list + 1]; i++)
    if (run->list_item[i] == item) return 1;
  return 0;
}
static word list_distinct(const struct run *run, word list) {
  word count = 0;
  for (word i = run->list_begin[list], j; i < run->list_begin[list + 1]; i++) {
    for (j = run->list_begin[list]; run->list_item[j] != run->list_item[i]; j++) {}
    count += j == i;
  }
  return count;
}
static inline wide wide_at(const void *column, word i) {
  wide value;
  memcpy(&value, (const char *)column + i * 16, 16);
  return value;
}

/* Which of `count` branches stands: it applies (1) and none that overrides it does. `over` has a row a branch. */
static inline int unoverridden(const byte *is, const byte *over, int count) {
  int found = NOBODY;
  for (int i = 0; i < count; i++) {
    int stands = is[i] == 1;
    for (int j = 0; stands && j < count; j++) stands = !(over[i * count + j] && is[j] == 1);
    if (stands && found != NOBODY) return CONFLICT;
    if (stands) found = i;
  }
  return found;
}
