#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas {

/// A text that Config::parse must refuse with one line "source:line:column: ... reason ...".
struct HostileYaml {
  std::string name;  ///< a C++ identifier
  std::string text;
  std::string place;   ///< "line:column"
  std::string reason;  ///< a part of the message
};

inline std::string repeat(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

/// "k0: v", "k1: v", ... one a line.
inline std::string many_keys(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "k" + std::to_string(i) + ": v\n";
  return text;
}

/// `depth` block maps, one inside the other.
inline std::string nested_block_maps(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  return text;
}

/// Nine generations of ten aliases each: a billion leaves if aliases were followed.
inline std::string billion_laughs() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string n = std::to_string(i);
    text += "a" + n + ": &a" + n + " [" + repeat("*a" + std::to_string(i - 1) + ", ", 10) + "]\n";
  }
  return text;
}

inline std::vector<HostileYaml> hostile_yaml() {
  using namespace std::string_literals;
  const std::string huge(300 * 1024, 'x');
  const std::string long_scalar(5000, 'x');
  return {
      // Nothing to read, or too much of it.
      {"empty", "", "1:1", "empty"},
      {"only_spaces", "   \n \n", "1:1", "empty"},
      {"only_a_comment", "# nothing\n", "1:1", "empty"},
      {"two_documents", "a: 1\n---\nb: 2\n", "2:1", "exactly one"},
      {"many_documents", repeat("---\na: 1\n", 5000), "3:1", "exactly one"},
      {"empty_second_document", "a: 1\n---\n", "2:1", "exactly one"},
      {"text_after_a_document_end", "a: 1\n...\nb: 2\n", "3:1", "exactly one"},
      {"text_after_a_flow_list", "[1, 2] x\n", "1:8", ""},
      {"text_of_300_kilobytes", "a: " + huge, "1:1", "bytes"},
      {"text_of_2_megabytes", "[" + repeat("1,", 1'000'000) + "1]", "1:1", "bytes"},
      {"comment_of_300_kilobytes", "a: 1 # " + huge, "1:1", "bytes"},
      {"spaces_of_300_kilobytes", "a:" + std::string(300 * 1024, ' ') + "1", "1:1", "bytes"},

      // Bombs below the size limit.
      {"billion_laughs", billion_laughs(), "1:5", "anchors"},
      {"flow_list_of_120000", "[" + repeat("1,", 120'000) + "1]", "1:80001", "commas"},
      {"flow_map_of_80000", "{" + repeat("a,", 80'000) + "}", "1:80001", "commas"},
      {"open_brackets_5000", repeat("[", 5000), "", ""},
      {"open_brackets_250000", repeat("[", 250'000), "1:40001", "commas"},
      {"open_braces_5000", repeat("{", 5000), "", ""},
      {"brackets_5000", repeat("[", 5000) + repeat("]", 5000), "1:33", "nested"},
      {"braces_5000", repeat("{a: ", 5000) + repeat("}", 5000), "1:129", "nested"},
      {"brackets_33", repeat("[", 33) + repeat("]", 33), "1:33", "nested"},
      {"block_lists_in_a_line", repeat("- ", 10'000) + "x", "1:65", "nested"},
      {"block_lists_in_a_line_130000", repeat("- ", 130'000) + "x", "1:65", "nested"},
      {"block_maps_300", nested_block_maps(300), "33:33", "nested"},
      {"single_pairs", repeat("[a: ", 3000) + repeat("]", 3000), "", "nested"},
      {"question_marks", repeat("? ", 20'000) + "x", "", "key"},
      {"question_marks_in_flow", "[" + repeat("? ", 100'000) + "]", "", ""},
      {"colons_in_flow", "[" + repeat(": ", 100'000) + "]", "", ""},
      {"list_of_30000", repeat("- x\n", 30'000), "20000:3", "more than 20000"},
      {"list_of_60000_nothings", repeat("-\n", 60'000), "20001:1", "more than 20000"},
      {"map_of_15000", many_keys(15'000), "10000:8", "more than 20000"},
      {"empty_lists_30000", repeat("- []\n", 19'999) + "- []\n", "20000:3", "more than 20000"},
      {"adjacent_quotes", "[" + repeat("\"\" ", 80'000) + "]", "", ""},
      {"long_keys_on_each_level", repeat("{" + std::string(250, 'k') + ": ", 60), "", ""},
      {"plain_scalar_of_5000", "a: " + long_scalar, "1:4", "5000 bytes"},
      {"quoted_scalar_of_5000", "a: \"" + long_scalar + "\"", "1:4", "5000 bytes"},
      {"block_scalar_of_200000", "a: |\n" + repeat("  " + std::string(98, 'x') + "\n", 2000), "1:4",
       "bytes"},
      {"key_of_300", std::string(300, 'k') + ": 1", "1:1", "300 bytes"},
      {"key_of_200000", std::string(200'000, 'k') + ": 1", "", ""},

      // References and types that an experiment has no use for.
      {"anchor_on_a_map", "a: &x {b: 1}\n", "1:4", "anchors"},
      {"anchor_on_a_scalar", "a: &x 1\n", "1:4", "anchors"},
      {"anchor_on_nothing", "a: &x\n", "1:4", "anchors"},
      {"anchor_on_a_key", "&x a: 1\n", "1:1", "anchors"},
      {"alias_to_itself", "a: &a [*a]\n", "1:4", "anchors"},
      {"alias_to_nothing", "a: *x\n", "1:4", ""},
      {"alias_as_key", "*x : 1\n", "1:1", ""},
      {"merge_key", "base: {a: 1}\nmore:\n  <<: {a: 1}\n", "3:3", "merge keys"},
      {"standard_tag", "a: !!str 1\n", "1:4", "tags"},
      {"own_tag", "a: !!python/object/apply:os.system ['true']\n", "1:4", "tags"},
      {"verbatim_tag", "a: !<tag:yaml.org,2002:int> 1\n", "1:4", "tags"},
      {"local_tag_on_a_list", "a: !list [1]\n", "1:4", "tags"},
      {"tag_on_a_map", "!!map {a: 1}\n", "1:1", "tags"},
      {"tag_on_nothing", "a: !!null\n", "1:4", "tags"},
      {"bare_tag", "a: ! 12\n", "1:4", "tags"},
      {"binary", "a: !!binary R0lGODlhDAAMAIQAAP\n", "1:4", "tags"},
      {"tag_directive", "%TAG ! tag:example.org,2000:\n---\na: !x 1\n", "3:4", "tags"},
      {"future_yaml_version", "%YAML 3.0\n---\na: 1\n", "1:1", "version"},
      {"two_version_directives", "%YAML 1.2\n%YAML 1.2\n---\na: 1\n", "2:1", "repeated"},

      // Keys.
      {"duplicate_key", "a: 1\nb: 2\na: 3\n", "3:1", "duplicate key 'a'"},
      {"duplicate_key_in_flow", "{a: 1, a: 2}", "1:8", "duplicate key 'a'"},
      {"duplicate_key_quoted", "a: 1\n\"a\": 2\n", "2:1", "duplicate key 'a'"},
      {"duplicate_key_deep", "x:\n  - y:\n      b: 1\n      b: 1\n", "4:7", "duplicate key 'b'"},
      {"list_as_key", "? [a, b]\n: 1\n", "1:3", "a key must be a word"},
      {"map_as_key", "{{a: 1}: 2}\n", "1:2", "a key must be a word"},
      {"nothing_as_key", ": 1\n", "1:1", "a key is missing"},
      {"null_as_key", "~: 1\n", "1:1", "a key is missing"},
      {"empty_key", "'': 1\n", "1:1", "a key is empty"},
      {"key_of_two_lines", "\"a\\nb\": 1\n", "1:1", "line end"},

      // Characters.
      {"null_byte", "a: 1\0b"s, "1:5", "control character 0x00"},
      {"only_null_bytes", std::string(1000, '\0'), "1:1", "control character 0x00"},
      {"escape_byte", "a: 1\nb: \x1b[2J\n", "2:4", "control character 0x1b"},
      {"delete_byte", "a: \x7f\n", "1:4", "control character 0x7f"},
      {"second_control_block", "a: \xc2\x85\n", "1:4", "control character 0x85"},
      {"carriage_return_alone", "a: 1\rb: 2\n", "1:5", "control character 0x0d"},
      {"vertical_tab", "a: \v1\n", "1:4", "control character 0x0b"},
      {"escaped_null", "a: \"\\0\"\n", "1:4", "control character 0x00"},
      {"escaped_escape", "a: \"\\e[2J\"\n", "1:4", "control character 0x1b"},
      {"byte_order_mark",
       "\xef\xbb\xbf"
       "a: 1\n",
       "1:1", "byte-order mark"},
      {"utf16_little_endian",
       "\xff\xfe"
       "a\0:\0 \0"
       "1\0"s,
       "1:1", "UTF-8"},
      {"utf16_big_endian",
       "\xfe\xff\0a\0:\0 \0"
       "1"s,
       "1:1", "UTF-8"},
      {"latin1", "a: caf\xe9\n", "1:7", "UTF-8"},
      {"overlong_slash", "a: \xc0\xaf\n", "1:4", "UTF-8"},
      {"surrogate", "a: \xed\xa0\x80\n", "1:4", "UTF-8"},
      {"above_unicode", "a: \xf5\x80\x80\x80\n", "1:4", "UTF-8"},
      {"cut_sequence", "a: \xe2\x82", "1:4", "UTF-8"},
      {"continuation_alone", "\x80: 1", "1:1", "UTF-8"},
      {"random_bytes", "\x93\x1f\xee\x07\xb2\x41\xd8\x00\x55"s, "1:1", "UTF-8"},
      {"elf_header",
       "\x7f"
       "ELF\x02\x01\x01"s,
       "1:1", "control character 0x7f"},

      // Grammar.
      {"unclosed_list", "a: [1, 2\n", "", "not valid YAML"},
      {"unclosed_map", "a: {b: 1\n", "", "not valid YAML"},
      {"unclosed_double_quote", "a: \"b\n", "1:4", "a quote does not end"},
      {"quote_closed_by_an_escape", "a: \"b\\\"\n", "1:4", "a quote does not end"},
      {"unclosed_single_quote", "a: 'b\n", "1:4", "a quote does not end"},
      {"quote_closed_by_its_double", "a: 'b''\n", "1:4", "a quote does not end"},
      {"unclosed_quote_after_umlauts", "\xc3\xa4: \xc3\xb6\r\nb: \"c\r\n", "2:4",
       "a quote does not end"},
      {"closing_bracket_alone", "a: ]\n", "1:4", "not valid YAML"},
      {"closing_brace_alone", "}\n", "1:1", "not valid YAML"},
      {"mismatched_brackets", "a: [1, 2}\n", "1:9", "not valid YAML"},
      {"tab_as_indentation", "a:\n\tb: 1\n", "2:3", "not valid YAML"},
      {"bad_indentation", "a:\n    b: 1\n  c: 2\n", "3:3", "not valid YAML"},
      {"two_colons", "a: b: c\n", "1:5", "not valid YAML"},
      {"list_and_map_mixed", "- a\nb: 1\n", "2:1", ""},
      {"unknown_escape", "a: \"\\q\"\n", "1:7", "not valid YAML"},
      {"bad_hex_escape", "a: \"\\xzz\"\n", "", "not valid YAML"},
      {"escaped_surrogate", "a: \"\\ud800\"\n", "", "not valid YAML"},
      {"reserved_at", "a: @b\n", "1:4", "not valid YAML"},
      {"reserved_backtick", "a: `b`\n", "1:4", "not valid YAML"},
      {"percent_value", "a: %b\n", "1:4", "not valid YAML"},
  };
}

}  // namespace hwnas
