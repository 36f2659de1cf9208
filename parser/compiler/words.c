/*
 * Help of keywords. A `words` line names the last keywords of a place; the longest tail that
 * matches wins, and among equals the one of the entry's own module. Keywords of options and
 * of other arms do not count as going before.
 */
#include "parser/compiler/model.h"

#include <string.h>

static void paths(struct grammar *g, const struct expr *x, struct str *path)
{
    each (expr, c, x->child) {
        if (c->kind == X_WORD) {
            if (path->len)
                str_addc(path, ' ');
            str_add(path, c->word);
            g->pos[c->pos].path = take_text(g, path->s, path->len);
        } else if (c->kind == X_SEQ) {
            paths(g, c, path);
        } else if (c->kind == X_OPT || c->kind == X_ALT) {
            struct str inner = {0};
            str_add(&inner, str_text(path));
            /* each arm (a sequence) starts again from here */
            each (expr, arm, c->child) {
                struct str own = {0};
                str_add(&own, str_text(&inner));
                struct expr wrap = {.kind = X_SEQ, .child = arm};
                struct expr *next = arm->next;
                arm->next = NULL;
                paths(g, &wrap, &own);
                arm->next = next;
                str_free(&own);
            }
            str_free(&inner);
        }
    }
}

static bool is_tail(const char *path, const char *tail)
{
    size_t n = strlen(path), m = strlen(tail);
    return m <= n && strcmp(path + n - m, tail) == 0 && (m == n || path[n - m - 1] == ' ');
}

static const char *lookup(struct grammar *g, const char *path, const struct module *module)
{
    const struct words *best = NULL;
    size_t best_len = 0;
    each (words, w, g->words) {
        size_t n = strlen(w->path);
        if (!is_tail(path, w->path) || n < best_len)
            continue;
        if (n > best_len || (w->module == module && best && best->module != module)) {
            best = w;
            best_len = n;
        }
    }
    return best ? best->help : NULL;
}

static void duplicates(struct grammar *g)
{
    each (words, w, g->words)
        each (words, o, w->next) {
            if (w->module == o->module && strcmp(w->path, o->path) == 0 &&
                strcmp(w->help, o->help) != 0)
                fail_at(g, w->at, "the help of '%s' stands at %s:%d already", w->path, o->at.file,
                        o->at.line);
        }
}

void find_help(struct grammar *g)
{
    duplicates(g);
    each (entry, e, g->entries)
        each (form, f, e->forms) {
            struct str path = {0};
            paths(g, f->expr, &path);
            str_free(&path);
            for (unsigned i = f->pos; i < f->pos + f->npos; i++) {
                struct pos *p = &g->pos[i];
                if (p->expr->kind != X_WORD)
                    continue;
                p->help = lookup(g, p->path, e->module);
                if (!p->help && strcmp(p->path, "no") == 0)
                    p->help = "Negate a command or set its defaults";
                if (!p->help) {
                    fail_at(g, f->at, "no help for the keyword '%s'", p->path);
                    p->help = "";
                }
            }
        }
}
