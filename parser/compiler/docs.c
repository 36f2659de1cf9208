/*
 * commands.md: the command reference, mode by mode.
 */
#include "parser/compiler/model.h"

#include <string.h>

static const char *hint(struct grammar *g, const struct arg *a)
{
    struct str s = {0};
    switch (a->type) {
    case GT_NUM:
        str_printf(&s, "<%llu-%llu>", a->lo, a->hi);
        break;
    case GT_TEXT:
        str_add(&s, "c TEXT c");
        break;
    case GT_REST:
        str_add(&s, "LINE");
        break;
    case GT_IP:
    case GT_MASK:
    case GT_WILDCARD:
        str_add(&s, "A.B.C.D");
        break;
    case GT_IP6:
        str_add(&s, "X:X:X:X::X");
        break;
    case GT_ADDR:
        str_add(&s, "A.B.C.D or X:X:X:X::X");
        break;
    case GT_PREFIX6:
        str_add(&s, "X:X:X:X::X/<0-128>");
        break;
    case GT_HOST:
        str_add(&s, "A.B.C.D or WORD");
        break;
    case GT_IFNAME:
        str_add(&s, "IFNAME");
        break;
    case GT_TIME:
        str_add(&s, "hh:mm:ss");
        break;
    case GT_HEX:
        str_add(&s, "HEX");
        break;
    case GT_PROTO:
        str_add(&s, "a protocol's name or <0-255>");
        break;
    case GT_PORT:
        str_add(&s, "a service's name or <0-65535>");
        break;
    case GT_ENUM:
        each (enum_word, w, a->en->words)
            str_printf(&s, "%s`%s`", s.len ? ", " : "", w->text);
        break;
    default:
        str_add(&s, "WORD");
        break;
    }
    const char *t = take_text(g, str_text(&s), s.len);
    str_free(&s);
    return t;
}

static void syntax(const struct expr *x, FILE *f, bool first)
{
    bool arm = true;
    switch (x->kind) {
    case X_SEQ:
        each (expr, c, x->child) {
            syntax(c, f, first);
            first = first && c->kind == X_BLANK;
        }
        return;
    case X_BLANK:
        return;
    default:
        break;
    }
    if (!first)
        (void)fputc(' ', f);
    switch (x->kind) {
    case X_OPT:
        (void)fputs("[", f);
        syntax(x->child, f, true);
        (void)fputs("]", f);
        break;
    case X_ALT:
        (void)fputs("{", f);
        each (expr, c, x->child) {
            if (!arm)
                (void)fputs(" | ", f);
            syntax(c, f, true);
            arm = false;
        }
        (void)fputs("}", f);
        break;
    case X_WORD:
        (void)fputs(x->word, f);
        break;
    default:
        (void)fprintf(f, "<%s>%s", x->arg->name, x->plus ? " ..." : "");
        break;
    }
}

static const char *removal(const struct entry *e)
{
    switch (e->kind) {
    case G_OBJECT:
        return e->flags & GE_FIXED ? "`no` clears what stands below it."
                                   : "`no` removes it and what stands below it.";
    case G_LIST:
        return "`no` removes the items that match.";
    case G_LEAF:
        return "`no` goes back to the default.";
    case G_FLAG:
        return "`no` turns it off.";
    default:
        return "";
    }
}

static void write_arguments(struct grammar *g, FILE *f, const struct entry *e, const struct mode *m)
{
    bool any = false;
    for (unsigned i = 0; i < g->npos; i++) {
        const struct pos *p = &g->pos[i];
        if (p->form->entry != e || p->form->mode != m || p->expr->kind != X_ARG)
            continue;
        bool seen = false; /* an earlier position with the same argument */
        for (unsigned k = 0; k < i && !seen; k++)
            seen = g->pos[k].form->entry == e && g->pos[k].form->mode == m &&
                   g->pos[k].expr->kind == X_ARG && g->pos[k].expr->arg == p->expr->arg;
        if (seen)
            continue;
        if (!any)
            (void)fputs("\n| argument | value | meaning |\n|---|---|---|\n", f);
        any = true;
        (void)fprintf(f, "| `%s` | %s | %s%s |\n", p->expr->arg->name, hint(g, p->expr->arg),
                      p->expr->arg->help, p->expr->arg->flags & GA_SECRET ? " (secret)" : "");
    }
}

static void write_entry(struct grammar *g, FILE *f, const struct entry *e, const struct mode *m)
{
    (void)fprintf(f, "\n### %s\n\n", e->name);
    each (form, fo, e->forms) {
        if (fo->mode != m)
            continue;
        (void)fputs("    ", f);
        if (fo->flags & GF_INVERTED || (fo->flags & GF_NO && e->kind != G_EXEC))
            (void)fputs("no ", f);
        syntax(fo->expr, f, true);
        if (fo->dialect != G_BOTH)
            (void)fputs(fo->dialect == G_IOS ? "        (IOS)" : "        (ASA)", f);
        (void)fputc('\n', f);
    }
    write_arguments(g, f, e, m);
    (void)fputc('\n', f);
    if (e->flags & GE_ACCEPTED)
        (void)fputs("**Accepted without effect.** ", f);
    if (e->accepted)
        (void)fprintf(f, "**Without effect when it gives** `%s`. ", e->accepted);
    (void)fputs(removal(e), f);
    if (e->defaults)
        (void)fprintf(f, " Default: `%s`.", e->defaults);
    if (e->kind == G_EXEC)
        (void)fprintf(f, "Privilege %u.%s", e->priv,
                      e->flags & GE_PIPE ? " Output may be filtered with `|`." : "");
    (void)fputc('\n', f);
}

void write_docs(struct grammar *g, FILE *f)
{
    (void)
        fputs("# Command reference\n\nWritten from `grammars/` by the grammar compiler. Words may "
              "be abbreviated as long as they stay\nunique. `<name>` is a value, `[ ]` may be left "
              "out, `{ a | b }` is a choice.\n",
              f);
    each (mode, m, g->modes) {
        bool any = false;
        each (entry, e, g->entries) {
            bool here = false;
            each (form, fo, e->forms)
                here = here || fo->mode == m;
            if (!here || (e->flags & GE_HIDDEN))
                continue;
            if (!any)
                (void)fprintf(f, "\n## Mode %s %s\n", m->name, m->prompt ? m->prompt : "");
            any = true;
            write_entry(g, f, e, m);
        }
    }
}
