/*
 * Times as the platforms print them.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <stdio.h>
#include <time.h>

void time_clock(char *buf, size_t cap, const struct cfg_tree *tree, usec_t wall, bool msec)
{
    static const char *const day[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const struct clock_zone zone = derive_zone(tree->root);
    time_t t = (time_t)(clock_local(wall, &zone) / USEC_PER_SEC);
    struct tm tm;
    char ms[8] = "";
    if (!gmtime_r(&t, &tm))
        tm = (struct tm){.tm_mday = 1, .tm_year = 70};
    if (msec)
        snprintf(ms, sizeof ms, ".%03u", (unsigned)(wall % USEC_PER_SEC / USEC_PER_MSEC) % 1000u);
    snprintf(buf, cap, "%02d:%02d:%02d%s %s %s %s %d %d", tm.tm_hour, tm.tm_min, tm.tm_sec, ms,
             zone.name[0] ? zone.name : "UTC", day[tm.tm_wday % 7], month[tm.tm_mon % 12],
             tm.tm_mday, tm.tm_year + 1900);
}

struct unit {
    int64_t seconds;
    const char *name;
};

/* "1 hour, 42 minutes" on IOS, where minutes always stand; "3 days 22 hours" on the ASA, which
 * says the two largest units. */
void time_uptime(char *buf, size_t cap, int64_t seconds, bool asa)
{
    static const struct unit unit[] = {{365 * 86400, "year"}, {7 * 86400, "week"}, {86400, "day"},
                                       {3600, "hour"},        {60, "minute"},      {1, "sec"}};
    struct str s = {0};
    unsigned said = 0, last = asa ? 6 : 5;
    for (unsigned i = 0; i < last && said < (asa ? 2 : 5); i++) {
        if (asa && unit[i].seconds == 7 * 86400)
            continue;
        int64_t n = seconds / unit[i].seconds;
        seconds %= unit[i].seconds;
        bool always = i + 1 == last;
        if (n == 0 && !(always && (!asa || said == 0)))
            continue;
        str_printf(&s, "%s%lld %s%s", said ? (asa ? " " : ", ") : "", (long long)n, unit[i].name,
                   n == 1 ? "" : "s");
        said++;
    }
    str_copy(buf, cap, str_text(&s));
    str_free(&s);
}
