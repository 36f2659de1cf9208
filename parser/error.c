/*
 * The platforms' words for a line that is refused.
 */
#include "parser/parse.h"

#include <string.h>
#include <strings.h>

/* IOS takes a lone unknown word at EXEC for a host to connect to. */
static bool unknown_word(const struct line_place *p, const char *text)
{
    struct tokens tok;
    return !p->asa && p->depth == 0 && tokens_split(&tok, text, 0, strcspn(text, "\r\n")) == 0 &&
           tok.n == 1;
}

static void incomplete(const struct line_place *p, const char *text, struct str *out)
{
    struct tokens tok;
    if (p->asa) {
        str_add(out, "ERROR: % Incomplete command\n");
        return;
    }
    /* IOS points at the help where `show` stands alone. */
    if (tokens_split(&tok, text, 0, strcspn(text, "\r\n")) == 0 && tok.n == 1 && p->depth == 0 &&
        tok.t[0].n >= 2 && kw_match("show", text + tok.t[0].at, tok.t[0].n) != KW_NO)
        str_add(out, "% Type \"show ?\" for a list of subcommands\n");
    else
        str_add(out, "% Incomplete command.\n\n");
}

void line_error(const struct line_place *p, const struct line_result *r, const char *text,
                size_t prompt_width, struct str *out)
{
    int n = (int)strcspn(text, "\r\n");
    size_t blanks = prompt_width + r->column;
    switch (r->status) {
    case LINE_INCOMPLETE:
        incomplete(p, text, out);
        break;
    case LINE_AMBIGUOUS:
        str_printf(out, "%s%% Ambiguous command:  \"%.*s\"\n%s", p->asa ? "ERROR: " : "", n, text,
                   p->asa ? "" : "\n");
        break;
    case LINE_INVALID:
        if (unknown_word(p, text)) {
            str_add(out, "% Bad IP address or host name\n"
                         "% Unknown command or computer name, or unable to find computer "
                         "address\n\n");
            break;
        }
        while (blanks--)
            str_addc(out, ' ');
        str_add(out, "^\n");
        str_add(out, p->asa ? "ERROR: % Invalid input detected at '^' marker.\n"
                            : "% Invalid input detected at '^' marker.\n\n");
        break;
    case LINE_TOO_LONG:
        if (r->until[0]) {
            str_printf(out, "%% The text has too many characters\n\n");
            break;
        }
        str_printf(out, "%s%% Line is longer than %d characters\n%s", p->asa ? "ERROR: " : "",
                   p->asa ? LINE_MAX_ASA : LINE_MAX_IOS, p->asa ? "" : "\n");
        break;
    default:
        break;
    }
}
