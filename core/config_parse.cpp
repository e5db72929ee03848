#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_set>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/file.hpp"

namespace hwnas {
namespace {

// yaml-cpp 0.7 keeps every token of a flow list until its closing bracket (a list of 2 MB takes
// 457 MiB), so these are counted before it sees the text: twice what the node budget allows.
constexpr std::size_t kMaxFlowMarks = 2 * Config::kMaxNodes;

Mark mark_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0
  return {static_cast<int>(lines) + 1, static_cast<int>(offset - line_start) + 1};
}

Mark mark_of(const YAML::Mark& mark) {
  return {std::max(0, mark.line) + 1, std::max(0, mark.column) + 1};
}

}  // namespace

/// Makes a Config of yaml-cpp's events, and stops at the first one that is over a budget.
class ConfigBuilder final : public YAML::EventHandler {
 public:
  ConfigBuilder(std::string_view text, std::string source)
      : text_(text), source_(std::make_shared<const std::string>(std::move(source))) {}

  Config build() {
    check_text();
    std::istringstream stream{std::string(text_)};
    try {
      YAML::Parser parser(stream);
      // Reading on after the first document finds a second one, or stray text.
      while (parser.HandleNextDocument(*this)) {
      }
    } catch (const YAML::Exception& exception) {
      fail(exception.mark, "not valid YAML: " + exception.msg);
    }
    if (documents_ == 0) fail({1, 1}, "the text is empty");
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) fail(mark, "text after the end of the document; exactly one is read");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    require_bare(mark, "?", anchor);
    if (key_expected()) fail(mark, "a key is missing before ':'");
    add(make_node(Config::Kind::kNull, mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(mark, "aliases (*name) are not supported; repeat the value");
  }

  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    fail(mark, "anchors (&name) are not supported");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    require_bare(mark, tag, anchor);
    const bool quoted = tag == "!";
    if (quoted) require_closed_quote(mark);
    require_printable(mark, value);
    if (key_expected()) return add_key(mark, value);
    Config node = make_node(Config::Kind::kScalar, mark);
    node.scalar_ = value;
    node.quoted_ = quoted;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    require_bare(mark, tag, anchor);
    open(Config::Kind::kList, mark);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    require_bare(mark, tag, anchor);
    open(Config::Kind::kMap, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map that is being read.
  struct Open {
    Config node;
    std::unordered_set<std::string> names;  ///< the keys so far
    Mark key_mark;                          ///< of the last key
  };

  [[noreturn]] void fail(Mark mark, const std::string& message) const {
    Config::fail_at(*source_, mark, message);
  }
  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
    fail(mark_of(mark), message);
  }

  /// What must hold before the text is worth parsing, or safe to parse.
  void check_text() const {
    if (text_.size() > Config::kMaxTextBytes) {
      fail({1, 1}, fmt::format("the text has {} bytes, but at most {} are read", text_.size(),
                               Config::kMaxTextBytes));
    }
    if (const auto fault = find_text_fault(text_)) {
      fail(mark_at(text_, fault->offset), fault->reason);
    }
    std::size_t flow_marks = 0;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      const bool counts = std::string_view("[]{},").find(text_[i]) != std::string_view::npos;
      if (counts && ++flow_marks > kMaxFlowMarks) {
        fail(mark_at(text_, i), fmt::format("more than {} commas and brackets", kMaxFlowMarks));
      }
    }
  }

  void require_bare(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) fail(mark, "anchors (&name) are not supported");
    // yaml-cpp gives "?" to plain and "!" to quoted scalars, and "!" to an explicit '!' as well.
    const auto offset = static_cast<std::size_t>(std::max(0, mark.pos));
    const bool written = offset < text_.size() && text_[offset] == '!';
    if (written || (!tag.empty() && tag != "?" && tag != "!")) {
      fail(mark, "tags (!name) are not supported");
    }
  }

  // yaml-cpp 0.7 takes the end of the text for a closing quote.
  void require_closed_quote(const YAML::Mark& mark) const {
    const auto begin = static_cast<std::size_t>(std::max(0, mark.pos));
    const char quote = begin < text_.size() ? text_[begin] : '|';
    if (quote != '"' && quote != '\'') return;  // a block scalar
    std::size_t end = begin + 1;
    while (end < text_.size()) {
      const bool escape = quote == '"' ? text_[end] == '\\' : text_.substr(end, 2) == "''";
      if (text_[end] == quote && !escape) return;
      end += escape ? 2 : 1;
    }
    fail(mark, "a quote does not end");
  }

  // The text is free of control characters, but escapes such as "\0" make new ones.
  void require_printable(const YAML::Mark& mark, const std::string& value) const {
    if (value.size() > Config::kMaxScalarBytes) {
      fail(mark, fmt::format("a value has {} bytes, but at most {} are read", value.size(),
                             Config::kMaxScalarBytes));
    }
    if (const auto fault = find_text_fault(value)) {
      fail(mark, fmt::format("the value {} has a {}", in_quotes(value), fault->reason));
    }
  }

  bool key_expected() const {
    if (stack_.empty()) return false;
    const Config& top = stack_.back().node;
    return top.kind_ == Config::Kind::kMap && top.keys_.size() == top.children_.size();
  }

  void add_key(const YAML::Mark& mark, const std::string& name) {
    count_node(mark);
    if (name == "<<") fail(mark, "merge keys (<<) are not supported");
    if (name.empty()) fail(mark, "a key is empty");
    if (name.size() > Config::kMaxKeyBytes) {
      fail(mark, fmt::format("a key has {} bytes, but at most {} are read", name.size(),
                             Config::kMaxKeyBytes));
    }
    if (name.find_first_of("\n\r\t") != std::string::npos) {
      fail(mark, fmt::format("the key {} has a tab or a line end", in_quotes(name)));
    }
    if (!stack_.back().names.insert(name).second) {
      fail(mark, fmt::format("duplicate key {}", in_quotes(name)));
    }
    stack_.back().node.keys_.push_back(name);
    stack_.back().key_mark = mark_of(mark);
  }

  Config make_node(Config::Kind kind, const YAML::Mark& mark) {
    count_node(mark);
    Config node;
    node.kind_ = kind;
    node.mark_ = mark_of(mark);
    node.source_ = source_;
    if (stack_.empty()) return node;
    const Config& parent = stack_.back().node;
    node.path_ = parent.child_path(parent.children_.size());
    node.key_mark_ = stack_.back().key_mark;
    return node;
  }

  void count_node(const YAML::Mark& mark) {
    if (++nodes_ > Config::kMaxNodes) {
      fail(mark, fmt::format("more than {} keys and values", Config::kMaxNodes));
    }
  }

  void open(Config::Kind kind, const YAML::Mark& mark) {
    if (key_expected()) fail(mark, "a key must be a word, not a list or a map");
    if (stack_.size() == Config::kMaxDepth) {
      fail(mark, fmt::format("lists and maps are nested more than {} deep", Config::kMaxDepth));
    }
    stack_.push_back({make_node(kind, mark), {}, {}});
  }

  void close() {
    Config node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(Config node) {
    if (stack_.empty()) {
      root_ = std::move(node);
    } else {
      stack_.back().node.children_.push_back(std::move(node));
    }
  }

  std::string_view text_;
  std::shared_ptr<const std::string> source_;
  std::vector<Open> stack_;
  Config root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

Config Config::parse(std::string_view text, std::string source) {
  return ConfigBuilder(text, std::move(source)).build();
}

Config Config::load(const std::filesystem::path& file) {
  return parse(read_file(file, kMaxTextBytes), file.string());
}

}  // namespace hwnas
