/* Working days, as `program.calendar` defines them. What leaves the calendar is unknown: `state` becomes 1 and `miss`
   names the year that is not there. */
static int outside(word day, byte *state, names *miss) {
  if (day >= FIRST_DAY && day < FIRST_DAY + DAYS) return 0;
  *state = 1;
  *miss |= day < FIRST_DAY ? BIT(YEAR_BEFORE) : BIT(YEAR_AFTER);
  return 1;
}
static word counted(word day) { return worked_before[day - FIRST_DAY + 1]; }
static word nth_day(word position, byte *state, names *miss) {
  if (position >= 1 && position <= WORKED) return FIRST_DAY + nth_worked[position - 1];
  *state = 1;
  *miss |= position < 1 ? BIT(YEAR_BEFORE) : BIT(YEAR_AFTER);
  return 0;
}
static word working_day(word day, byte *state, names *miss) {
  return outside(day, state, miss) ? 0 : worked[day - FIRST_DAY];
}
static word add_working_days(word day, word count, byte *state, names *miss) {
  if (outside(day, state, miss)) return 0;
  if (!count) return day;
  return nth_day((count > 0 ? counted(day) : counted(day) - worked[day - FIRST_DAY] + 1) + count, state, miss);
}
static word working_day_of_month(word day, word count, byte *state, names *miss) {
  if (outside(day, state, miss)) return 0;
  word first = day - day_of(day) + 1;
  return nth_day(counted(first) - worked[first - FIRST_DAY] + count, state, miss);
}
static word working_days_between(word start, word end, byte *state, names *miss) {
  return outside(start, state, miss) | outside(end, state, miss) ? 0 : counted(end) - counted(start);
}
