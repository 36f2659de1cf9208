/* Lines of the log. See line.h. */
#include "control/log/line.h"
#include <inttypes.h>
#include <time.h>

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* "00:00:46" up to a day, then "1d02h", "3w2d", "1y47w" (show-outputs.md, common formats). */
static void uptime(struct str *out, usec_t up)
{
    int64_t s = up > 0 ? up / USEC_PER_SEC : 0, day = 86400, week = 7 * day, year = 365 * day;
    if (s < day)
        str_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
    else if (s < week)
        str_printf(out, "%" PRId64 "d%02" PRId64 "h", s / day, s % day / 3600);
    else if (s < year)
        str_printf(out, "%" PRId64 "w%" PRId64 "d", s / week, s % week / day);
    else
        str_printf(out, "%" PRId64 "y%" PRId64 "w", s / year, s % year / week);
}

void line_stamp(struct str *out, const struct stamp *s, usec_t wall, usec_t up)
{
    const struct clock_zone utc = {0}, *zone = s->kind == STAMP_RFC5424 ? &utc : &s->zone;
    time_t t = (time_t)(clock_local(wall, zone) / USEC_PER_SEC);
    struct tm tm;
    if (s->kind == STAMP_UPTIME)
        uptime(out, up);
    if (s->kind == STAMP_NONE || s->kind == STAMP_UPTIME)
        return;
    if (!gmtime_r(&t, &tm))
        tm = (struct tm){.tm_mday = 1, .tm_year = 70};
    const char *month = months[tm.tm_mon % 12];
    if (s->kind == STAMP_ASA) {
        str_printf(out, "%s %02d %d %02d:%02d:%02d", month, tm.tm_mday, tm.tm_year + 1900,
                   tm.tm_hour, tm.tm_min, tm.tm_sec);
        return;
    }
    if (s->kind == STAMP_RFC5424) {
        str_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        return;
    }
    str_printf(out, "%s %2d ", month, tm.tm_mday);
    if (s->year)
        str_printf(out, "%d ", tm.tm_year + 1900);
    str_printf(out, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (s->msec)
        str_printf(out, ".%03u", (unsigned)(wall % USEC_PER_SEC / USEC_PER_MSEC));
    if (s->timezone)
        str_printf(out, " %s", zone->name[0] ? zone->name : "UTC");
}

void line_format(struct str *out, const struct line_head *h, const struct stamp *s,
                 const char *text)
{
    bool origin = h->asa && h->origin && h->origin[0];
    if (h->sequence)
        str_printf(out, "%06u: ", h->sequence);
    line_stamp(out, s, h->wall, h->up);
    if (origin)
        str_printf(out, "%s%s : ", s->kind == STAMP_NONE ? "" : " ", h->origin);
    else if (s->kind != STAMP_NONE)
        str_add(out, ": ");
    if (h->asa)
        str_printf(out, "%%ASA-%u-%06u: ", h->severity, h->number);
    else if (h->facility)
        str_printf(out, "%%%s-%u-%s: ", h->facility, h->severity, h->mnemonic);
    str_add(out, text);
}

void line_packet(struct str *out, unsigned facility, unsigned severity, const char *origin,
                 const char *line)
{
    str_printf(out, "<%u>", facility * 8 + severity);
    if (origin && origin[0])
        str_printf(out, "%s: ", origin);
    str_add(out, line);
}
