/* What every compiled program shares: numbers and days. Nothing here knows a rule. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

typedef int64_t word;
typedef __int128 wide;
typedef unsigned __int128 names; /* a set of missing names, a bit each */
typedef uint8_t byte;

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
