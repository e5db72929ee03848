#include "cli/completion.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <vector>

#include "cli/command.hpp"

namespace hwnas::cli {
namespace {

enum class ValueKind { kNone, kText, kFile, kFolder, kOneOf };

/// What a completion needs to know of an option or positional argument.
struct Argument {
  std::vector<std::string> names;  ///< with dashes; of a positional its name
  std::string description;
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> choices;  ///< of kOneOf
  bool positional = false;
  bool repeatable = false;
};

struct Command {
  std::string path;  ///< "hwnas space sample"
  std::string name;
  std::string description;
  std::vector<Argument> arguments;
  std::vector<Command> children;
};

/// CLI11 keeps the set of IsMember only in the description of the type: "TEXT:{a,b}".
std::vector<std::string> choices_in(const std::string& type_name) {
  const auto begin = type_name.find('{');
  const auto end = type_name.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type_name.substr(begin + 1, end - begin - 1), ',');
}

Argument argument_of(const CLI::Option& option) {
  Argument argument;
  argument.positional = option.get_positional();
  argument.description = option.get_description();
  argument.repeatable = option.get_items_expected_max() > 1;
  if (argument.positional) argument.names.push_back(option.get_name(true));
  for (const auto& name : option.get_snames()) argument.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) argument.names.push_back("--" + name);

  const std::string type = option.get_type_name();
  argument.choices = choices_in(type);
  if (option.get_items_expected_max() == 0)
    argument.kind = ValueKind::kNone;
  else if (!argument.choices.empty())
    argument.kind = ValueKind::kOneOf;
  else if (type == "FILE")
    argument.kind = ValueKind::kFile;
  else if (type == "DIR")
    argument.kind = ValueKind::kFolder;
  else
    argument.kind = ValueKind::kText;
  return argument;
}

Command command_of(const CLI::App& app, const std::string& parent_path) {
  Command command;
  command.name = app.get_name();
  command.path = parent_path.empty() ? command.name : parent_path + " " + command.name;
  command.description = app.get_description();
  for (const CLI::Option* option : app.get_options())
    command.arguments.push_back(argument_of(*option));
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    command.children.push_back(command_of(*child, command.path));
  return command;
}

std::vector<const Command*> flattened(const Command& root) {
  std::vector<const Command*> all = {&root};
  for (const Command& child : root.children) {
    const auto below = flattened(child);
    all.insert(all.end(), below.begin(), below.end());
  }
  return all;
}

// bash

/// Statements that offer an argument's values.
std::string bash_offer(const Argument& argument) {
  switch (argument.kind) {
    case ValueKind::kOneOf:
      return fmt::format("offers=(-W '{}')", fmt::join(argument.choices, " "));
    case ValueKind::kFile:
      return "offers=(-f); compopt -o filenames 2>/dev/null";
    case ValueKind::kFolder:
      return "offers=(-d); compopt -o filenames 2>/dev/null";
    case ValueKind::kText:
    case ValueKind::kNone:
      return "offers=()";
  }
  return "";
}

/// What may stand after a command: its subcommands, or else the values of its first positional
/// argument; and its options, for words that begin with a dash.
std::string bash_command_case(const Command& command) {
  std::vector<std::string> options;
  std::string offer = "offers=()";
  for (const Argument& argument : command.arguments) {
    if (!argument.positional)
      options.insert(options.end(), argument.names.begin(), argument.names.end());
    else if (offer == "offers=()")
      offer = bash_offer(argument);
  }
  if (!command.children.empty()) {
    std::vector<std::string> names;
    for (const Command& child : command.children) names.push_back(child.name);
    offer = fmt::format("offers=(-W '{}')", fmt::join(names, " "));
  }
  return fmt::format("    '{}') options='{}'; {} ;;\n", command.path, fmt::join(options, " "),
                     offer);
}

/// "'hwnas run --set') …": what may follow an option that takes a value.
std::string bash_value_cases(const Command& command) {
  std::string cases;
  for (const Argument& argument : command.arguments) {
    if (argument.positional || argument.kind == ValueKind::kNone) continue;
    std::vector<std::string> patterns;
    for (const auto& name : argument.names)
      patterns.push_back(fmt::format("'{} {}'", command.path, name));
    cases += fmt::format("    {}) {} ;;\n", fmt::join(patterns, " | "), bash_offer(argument));
  }
  return cases;
}

// zsh

/// Inside single quotes, in a specification of _arguments, where brackets and colons delimit.
std::string zsh_escaped(const std::string& text) {
  std::string escaped;
  for (const char character : text) {
    if (character == '\'') {
      escaped += "'\\''";
      continue;
    }
    if (std::string_view("[]:\\").find(character) != std::string_view::npos) escaped += '\\';
    escaped += character;
  }
  return escaped;
}

std::string zsh_action(const Argument& argument) {
  switch (argument.kind) {
    case ValueKind::kOneOf:
      return fmt::format("({})", fmt::join(argument.choices, " "));
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kFolder:
      return "_files -/";
    case ValueKind::kText:
    case ValueKind::kNone:
      return "";
  }
  return "";
}

std::vector<std::string> zsh_specifications(const Argument& argument) {
  const std::string description = zsh_escaped(argument.description);
  if (argument.positional)
    return {fmt::format("'{}:{}:{}'", argument.repeatable ? "*" : "", description,
                        zsh_action(argument))};
  std::vector<std::string> specifications;
  for (const std::string& name : argument.names) {
    const std::string value =
        argument.kind == ValueKind::kNone ? "" : fmt::format(":value:{}", zsh_action(argument));
    specifications.push_back(
        fmt::format("'{}{}[{}]{}'", argument.repeatable ? "*" : "", name, description, value));
  }
  return specifications;
}

std::string zsh_function_name(const std::string& path) {
  std::string name = "_" + path;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

std::string zsh_function(const Command& command) {
  std::string text = fmt::format("{}() {{\n", zsh_function_name(command.path));
  if (!command.children.empty()) text += "  local curcontext=$curcontext line state\n";
  text += "  _arguments -S";
  if (!command.children.empty()) text += " -C";
  for (const Argument& argument : command.arguments)
    for (const std::string& specification : zsh_specifications(argument))
      text += " \\\n    " + specification;
  if (command.children.empty()) return text + "\n}\n\n";

  text += " \\\n    '1: :->command' \\\n    '*::argument:->arguments'\n  case $state in\n";
  text += "    command)\n      local -a commands=(\n";
  for (const Command& child : command.children)
    text += fmt::format("        '{}:{}'\n", child.name, zsh_escaped(child.description));
  text += "      )\n      _describe command commands\n      ;;\n    arguments)\n";
  text += "      case $line[1] in\n";
  for (const Command& child : command.children)
    text += fmt::format("        {}) {} ;;\n", child.name, zsh_function_name(child.path));
  return text + "      esac\n      ;;\n  esac\n}\n\n";
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const Command root = command_of(app, "");
  std::string paths;
  std::string commands;
  std::string values;
  for (const Command* command : flattened(root)) {
    if (command->path != root.path)
      paths += fmt::format("      '{0}') path='{0}' ;;\n", command->path);
    commands += bash_command_case(*command);
    values += bash_value_cases(*command);
  }
  return fmt::format(R"(# bash completion for {0}: source <({0} completion bash)
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  local path={0} options='' index
  local -a offers=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path ${{COMP_WORDS[index]}}" in
{1}    esac
  done
  case "$path" in
{2}  esac
  [[ $current == -* ]] && offers=(-W "$options")
  case "$path $previous" in
{3}  esac
  COMPREPLY=()
  ((${{#offers[@]}})) && mapfile -t COMPREPLY < <(compgen "${{offers[@]}}" -- "$current")
}}
complete -F _{0} {0}
)",
                     root.path, paths, commands, values);
}

std::string zsh_completion(const CLI::App& app) {
  const Command root = command_of(app, "");
  std::string functions;
  for (const Command* command : flattened(root)) functions += zsh_function(*command);
  return fmt::format(R"(#compdef {0}
# zsh completion for {0}: source <({0} completion zsh), or as _{0} in a folder of $fpath

{1}if [[ ${{funcstack[1]}} == _{0} ]]; then
  _{0} "$@"
else
  compdef _{0} {0}
fi
)",
                     root.path, functions);
}

void add_completion(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"completion",
                   "Print a script that completes hwnas' command lines",
                   {"source <(hwnas completion bash)", "hwnas completion zsh > ~/.zfunc/_hwnas"}},
                  invocation);
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "Shell")->check(CLI::IsMember({"bash", "zsh"}))->required();
  command->callback([shell, &app, &invocation] {
    const std::string script = *shell == "bash" ? bash_completion(app) : zsh_completion(app);
    if (invocation.json)
      print_json({{"shell", *shell}, {"script", script}});
    else
      fmt::print("{}", script);
  });
}

}  // namespace hwnas::cli
