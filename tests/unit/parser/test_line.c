/* Lines: abbreviations, errors with their carets, places, `no`, `do`, comments, pipes. */
#include "tests/unit/parser/support.h"

#include <string.h>

static void test_abbreviations(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    assert_says(&b, "NA first", "");
    assert_prints(&b, "name first\n");
    /* "en" could still have become "end". */
    assert_says(&b, "enter", "              ^\n% Invalid input detected at '^' marker.\n\n");
    b.place.depth = 0;
    assert_says(&b, "sho p", "show-port");
    assert_says(&b, "show t", "show-tree");
    assert_says(&b, "sh", "% Ambiguous command:  \"sh\"\n\n");
    assert_string_equal(b.r.among, "show shutdown");
    assert_int_equal(b.r.column, 0);
    box_free(&b);
}

static void test_exact_wins(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "port gi0/0");
    assert_says(&b, "speed 10", "");
    assert_int_equal(((const struct a_speed *)b.r.args)->speed, ENUM_SPEED_10);
    assert_says(&b, "speed 100", "");
    assert_int_equal(((const struct a_speed *)b.r.args)->speed, ENUM_SPEED_100);
    assert_says(&b, "speed 1", "% Ambiguous command:  \"speed 1\"\n\n");
    assert_string_equal(b.r.among, "10 100 1000");
    assert_int_equal(b.r.column, 6);
    box_free(&b);
}

static void test_ios_errors(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    /* "box(config)#" is twelve wide; nothing begins with x. */
    assert_says(&b, "xyz", "            ^\n% Invalid input detected at '^' marker.\n\n");
    assert_says(&b, "map", "% Incomplete command.\n\n");
    assert_says(&b, "map A 70000",
                "                  ^\n% Invalid input detected at '^' marker.\n\n");
    assert_says(&b, "name a b",
                "                   ^\n% Invalid input detected at '^' marker.\n\n");
    assert_says(&b, "clock 25:00",
                "                       ^\n% Invalid input detected at '^' marker.\n\n");
    b.place.depth = 0;
    assert_says(&b, "show", "% Type \"show ?\" for a list of subcommands\n");
    /* As far as "tr" the word could have been "tree": the caret stands under the x. */
    assert_says(&b, "show trx", "           ^\n% Invalid input detected at '^' marker.\n\n");
    assert_says(&b, "xyz",
                "% Bad IP address or host name\n"
                "% Unknown command or computer name, or unable to find computer address\n\n");
    box_free(&b);
}

static void test_asa_errors(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    b.place.depth = 0;
    /* "box# " is five wide. */
    assert_says(&b, "show trx", "            ^\nERROR: % Invalid input detected at '^' marker.\n");
    assert_says(&b, "show", "ERROR: % Incomplete command\n");
    assert_says(&b, "sh", "ERROR: % Ambiguous command:  \"sh\"\n");
    box_free(&b);
}

static void test_too_long(void **state)
{
    (void)state;
    struct box b;
    char line[600];
    memset(line, 'a', sizeof(line));
    memcpy(line, "name ", 5);
    box_init(&b, false);
    line[LINE_MAX_IOS + 1] = '\0';
    assert_says(&b, line, "% Line is longer than 254 characters\n\n");
    b.place.asa = true;
    line[LINE_MAX_IOS + 1] = 'a';
    line[LINE_MAX_ASA + 1] = '\0';
    assert_says(&b, line, "ERROR: % Line is longer than 510 characters\n");
    memset(line, ' ', LINE_MAX_ASA);
    for (int i = 0; i < LINE_MAX_ASA; i += 2)
        line[i] = 'x';
    line[LINE_MAX_ASA] = '\0'; /* as many words as fit */
    (void)box_type(&b, line);
    assert_int_equal(b.r.status, LINE_INVALID);
    box_free(&b);
}

static void test_comments(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "\n   \n! a comment\n  ! another");
    assert_int_equal(b.r.status, LINE_EMPTY);
    assert_says(&b, " \rname x", "");
    assert_int_equal(b.r.status, LINE_EMPTY);
    assert_says(&b, ": no comment here",
                "            ^\n% Invalid input detected at '^' marker.\n\n");
    b.place.asa = true;
    assert_says(&b, ": a comment", "");
    box_paste(&b, "name a!b");
    assert_prints(&b, "name a!b\n");
    box_free(&b);
}

static void test_blanks_of_documents(void **state)
{
    char text[] = "\xc2\xa0port\xc2\xa0\xc2\xa0gi0/0 \xc3\xa0\xc2\xa0", none[] = "",
         cut[] = "a\xc2";
    (void)state;
    line_blanks(text);
    assert_string_equal(text, " port  gi0/0 \xc3\xa0 ");
    line_blanks(none);
    assert_string_equal(none, "");
    line_blanks(cut);
    assert_string_equal(cut, "a\xc2");
}

static void test_modes(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    assert_string_equal(box_prompt(&b), "box(config)#");
    box_paste(&b, "port e0/0");
    assert_string_equal(box_prompt(&b), "box(config-port)#");
    /* Not in the submode: tried in config, and the place follows. */
    box_paste(&b, "map A 10");
    assert_string_equal(box_prompt(&b), "box(config-map)#");
    box_paste(&b, "name x");
    assert_string_equal(box_prompt(&b), "box(config)#");
    box_paste(&b, "port e0/0\nexit");
    assert_string_equal(box_prompt(&b), "box(config)#");
    box_paste(&b, "port e0/0\nend");
    assert_string_equal(box_prompt(&b), "box#");
    b.place.depth = 1;
    box_paste(&b, "port e0/0");
    /* Neither parses: the error is that of the submode, and nothing moves. */
    assert_says(&b, "map A", "                 ^\n% Invalid input detected at '^' marker.\n\n");
    assert_string_equal(box_prompt(&b), "box(config-port)#");
    assert_says(&b, "exit now",
                "                      ^\n% Invalid input detected at '^' marker.\n\n");
    b.place.privilege = 1;
    b.place.depth = 0;
    assert_string_equal(box_prompt(&b), "box>");
    b.place.asa = true;
    assert_string_equal(box_prompt(&b), "box> ");
    box_free(&b);
}

/* A block with modes in modes loads line by line without a single `exit`. */
static void test_implicit_exit(void **state)
{
    static const char block[] = "link 1\n"
                                " local 5000\n"
                                "  via 10.0.0.1\n"
                                "  via 10.0.0.2\n"
                                " remote 5001\n"
                                "  via 10.0.1.1\n"
                                " probe 10.0.1.1\n"
                                " every 5\n"
                                "link 2\n"
                                " remote 5002\n"
                                "  via 10.0.2.1\n";
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "link 1\nlocal 5000\nvia 10.0.0.1");
    assert_string_equal(box_prompt(&b), "box(config-link-local)#");
    box_paste(&b, "remote 5001");
    assert_string_equal(box_prompt(&b), "box(config-link-remote)#");
    assert_int_equal(b.place.depth, 3);
    box_paste(&b, "name x");
    assert_string_equal(box_prompt(&b), "box(config)#");
    box_paste(&b, "no name\nno link 1");
    box_paste(&b, block);
    assert_prints(&b, block);
    box_paste(&b, "no link 1");
    assert_string_equal(box_prompt(&b), "box(config)#");
    assert_prints(&b, "link 2\n remote 5002\n  via 10.0.2.1\n");
    box_paste(&b, "link 2\nremote 5002\nexit\nexit");
    assert_string_equal(box_prompt(&b), "box(config)#");
    box_free(&b);
}

static void test_long_hostname(void **state)
{
    (void)state;
    struct box b;
    struct str s = {0};
    box_init(&b, false);
    line_prompt(&b.place, "a-name-of-more-than-20-characters", &s);
    assert_string_equal(str_text(&s), "a-name-of-more-than-(config)#");
    str_clear(&s);
    b.place.depth = 0;
    line_prompt(&b.place, "a-name-of-more-than-20-characters", &s);
    assert_string_equal(str_text(&s), "a-name-of-more-than-20-characters#");
    str_free(&s);
    box_free(&b);
}

static void test_node_of_mode_goes(void **state)
{
    (void)state;
    struct box b, other;
    box_init(&b, false);
    box_paste(&b, "map A 10\npeer 1.1.1.1");
    other = b; /* another session at the same place */
    memset(&other.said, 0, sizeof(other.said));
    memset(&other.r, 0, sizeof(other.r));
    other.place.depth = 1;
    box_paste(&other, "no map A 10");
    line_place_check(&b.place, b.tree);
    assert_string_equal(box_prompt(&b), "box(config)#");
    str_free(&other.said);
    line_result_free(&other.r);
    box_free(&b);
}

static void test_do_and_exec(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "port e0/0");
    assert_says(&b, "do show tree", "show-tree");
    assert_int_equal(b.r.pop, 0);
    assert_says(&b, "do show trx",
                "                           ^\n% Invalid input detected at '^' marker.\n\n");
    assert_says(&b, "do", "% Incomplete command.\n\n");
    assert_says(&b, "show tree", /* "s" could have become "speed" */
                "                  ^\n% Invalid input detected at '^' marker.\n\n");
    box_free(&b);
    box_init(&b, true);
    box_paste(&b, "port e0/0");
    assert_says(&b, "show tree", "show-tree");
    assert_string_equal(box_prompt(&b), "box(config-port)# ");
    assert_says(&b, "no trace", "no trace");
    /* The EXEC grammar understood more of it: its caret. */
    assert_says(&b, "show trx",
                "                         ^\nERROR: % Invalid input detected at '^' marker.\n");
    box_free(&b);
}

static void test_privilege(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    b.place.depth = 0;
    b.place.privilege = 1;
    assert_says(&b, "sh", "% Type \"show ?\" for a list of subcommands\n"); /* no shutdown */
    assert_says(&b, "enter now", "    ^\n% Invalid input detected at '^' marker.\n\n");
    assert_string_equal(box_tab(&b, "ent"), "");
    assert_int_equal(line_priv(E_ENTER), 15);
    assert_int_equal(line_priv(E_TRACE), 1);
    box_free(&b);
}

static void test_interface_in_two_words(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "port Ethernet 0/1");
    assert_prints(&b, "port Ethernet0/1\n no address\n level 50\n!\n");
    b.place.depth = 1;
    assert_says(&b, "port Ethernet", "% Incomplete command.\n\n");
    assert_says(&b, "port Ethernet x",
                "                          ^\n% Invalid input detected at '^' marker.\n\n");
    box_free(&b);
}

static void assert_filter(struct box *b, const char *line, int kind, const char *re)
{
    (void)box_type(b, line);
    assert_int_equal(b->r.status, LINE_OK);
    assert_true(b->r.piped);
    assert_int_equal(b->r.filter.kind, kind);
    assert_string_equal(b->r.filter_re, re);
}

static void test_pipes(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    b.place.depth = 0;
    assert_filter(&b, "show port | include a b", CLI_INCLUDE, "a b");
    assert_filter(&b, "sho po | s crypto map", CLI_SECTION, "crypto map");
    assert_filter(&b, "show port |exclude ^x", CLI_EXCLUDE, "^x");
    assert_filter(&b, "show port all | count .", CLI_COUNT, ".");
    assert_filter(&b, "show port | section exclude x", CLI_SECTION_EXCLUDE, "x");
    assert_filter(&b, "show port | section include x", CLI_SECTION, "x");
    assert_filter(&b, "show port | section include", CLI_SECTION, "include");
    assert_filter(&b, "show port | grep -v x", CLI_EXCLUDE, "x");
    assert_filter(&b, "show port | grep x", CLI_INCLUDE, "x");
    assert_filter(&b, "show port | begin x", CLI_BEGIN, "x");
    assert_says(&b, "show port |", "% Incomplete command.\n\n");
    assert_says(&b, "show port | include", "% Incomplete command.\n\n");
    assert_says(&b, "show port | inx x",
                "                  ^\n% Invalid input detected at '^' marker.\n\n");
    assert_says(&b, "show tree | include x",
                "              ^\n% Invalid input detected at '^' marker.\n\n");
    box_free(&b);
}

static void test_no_of_exec(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    b.place.depth = 0;
    assert_says(&b, "trace 3", "trace");
    assert_false(b.r.negate);
    assert_says(&b, "no trace", "no trace");
    assert_true(b.r.negate);
    assert_says(&b, "no show tree", "        ^\nERROR: % Invalid input detected at '^' marker.\n");
    box_free(&b);
}

static void test_hidden(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    assert_says(&b, "hidden 3", "");
    assert_says(&b, "hid 3", "             ^\n% Invalid input detected at '^' marker.\n\n");
    assert_string_equal(box_tab(&b, "hid"), "");
    assert_string_equal(box_help(&b, "hid"), "% Unrecognized command\n");
    box_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abbreviations),
        cmocka_unit_test(test_exact_wins),
        cmocka_unit_test(test_ios_errors),
        cmocka_unit_test(test_asa_errors),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_blanks_of_documents),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_implicit_exit),
        cmocka_unit_test(test_long_hostname),
        cmocka_unit_test(test_node_of_mode_goes),
        cmocka_unit_test(test_do_and_exec),
        cmocka_unit_test(test_privilege),
        cmocka_unit_test(test_interface_in_two_words),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_no_of_exec),
        cmocka_unit_test(test_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
