#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.hpp"

namespace hwnas {

/// Where a value stands in a text: lines and bytes of the line, both counted from 1.
struct Mark {
  int line = 0;
  int column = 0;
};

/// One node of a YAML document, read strictly: every accessor throws an Error (kInvalidArgument)
/// whose message starts with "file:line:column: " when the value is missing, of the wrong type or
/// out of range. Plain data; copyable; nothing of yaml-cpp shows.
///
/// What is refused while reading, each with its place: texts, nesting, node counts and scalars over
/// the budgets below; anchors, aliases, tags and merge keys; duplicate keys and keys that are not
/// words; invalid UTF-8 and control characters; no document or more than one. Reading takes at
/// most about 20 MiB, whatever the text.
class Config {
 public:
  enum class Kind { kNull, kScalar, kList, kMap };

  static constexpr std::size_t kMaxTextBytes = 256 * 1024;
  static constexpr std::size_t kMaxScalarBytes = 4 * 1024;
  static constexpr std::size_t kMaxKeyBytes = 256;
  static constexpr std::size_t kMaxNodes = 20'000;
  static constexpr std::size_t kMaxDepth = 32;

  /// `source` names the text in messages.
  static Config parse(std::string_view text, std::string source);
  /// Parses a file. Throws NotFound if there is none.
  static Config load(const std::filesystem::path& file);

  Kind kind() const { return kind_; }
  Mark mark() const { return mark_; }
  const std::string& source() const { return *source_; }
  bool is_null() const { return kind_ == Kind::kNull; }

  // Maps. A key without a value (null) counts as absent.
  bool has(std::string_view key) const;
  /// The value of a key that must be there.
  const Config& at(std::string_view key) const;
  /// The value of a key that may be there, or nullptr.
  const Config* find(std::string_view key) const;
  /// Keys in the order of the text.
  std::vector<std::string> keys() const;
  /// Throws on the first key that is not among `known`, with the nearest known one as a suggestion.
  void require_known_keys(std::initializer_list<std::string_view> known) const;
  void require_known_keys(const std::vector<std::string>& known) const;

  // Lists.
  const std::vector<Config>& items() const;

  // Scalars. Integers take YAML's decimal form and whole floats such as 30e6; a quoted scalar is a
  // string and never a number or a flag.
  std::string as_string() const;
  bool as_bool() const;
  std::int64_t as_int(std::int64_t min, std::int64_t max) const;
  double as_double(double min, double max) const;
  /// One of `names`, returned as its index; otherwise an error that lists them and the nearest.
  std::size_t as_one_of(const std::vector<std::string>& names) const;

  // Shorthands for optional keys of a map.
  std::string string_or(std::string_view key, std::string fallback) const;
  bool bool_or(std::string_view key, bool fallback) const;
  std::int64_t int_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                      std::int64_t max) const;
  double double_or(std::string_view key, double fallback, double min, double max) const;

  /// An Error at this node's place: "experiment.yaml:12:3: search.population: <message>".
  [[noreturn]] void fail(const std::string& message) const;

  /// Sets `dotted_key` (e.g. "search.trials") to a scalar or flow value given as YAML text; makes
  /// missing maps on the way. For --set on the command line; the source of the new node is "--set".
  void set(std::string_view dotted_key, std::string_view yaml_text);

  /// The node written out again as YAML (block style); parse(to_yaml()) equals it. (Indentation can
  /// push a text of many short, deeply nested items over kMaxTextBytes.)
  std::string to_yaml() const;

 private:
  friend class ConfigBuilder;

  static const std::shared_ptr<const std::string>& no_source();
  [[noreturn]] static void fail_at(const std::string& source, Mark mark,
                                   const std::string& message);
  void require_map() const;
  std::string shown() const;
  std::optional<double> number() const;
  std::string child_path(std::size_t index) const;
  Config& child(const std::string& key);
  void move_to(std::string path, std::size_t depth);
  void write_inline(std::string& out) const;
  void write_block(std::size_t indent, std::string& out) const;

  Kind kind_ = Kind::kNull;
  std::string scalar_;
  bool quoted_ = false;            ///< a quoted or block scalar
  std::vector<std::string> keys_;  ///< maps: keys_[i] belongs to children_[i]
  std::vector<Config> children_;
  Mark mark_{1, 1};
  Mark key_mark_{1, 1};  ///< of the key, for a value in a map
  std::string path_;     ///< "search.population", for messages; shortened if long
  std::shared_ptr<const std::string> source_ = no_source();
};

}  // namespace hwnas
