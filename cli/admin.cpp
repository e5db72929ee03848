#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "service/backup.hpp"

namespace hwnas::cli {
namespace {

struct Folders {
  std::string from;
  std::string to;
};

void tell(const service::BackupSummary& summary, const std::string& what, const std::string& where,
          const Invocation& invocation) {
  if (invocation.json) {
    print_json({{"folder", where},
                {"jobs", summary.jobs},
                {"last_revision", summary.last_revision},
                {"files", summary.files},
                {"bytes", summary.bytes}});
    return;
  }
  fmt::print("{} {}: {} jobs, {} files, {:.1f} MB\n", what, where, summary.jobs, summary.files,
             static_cast<double>(summary.bytes) / 1e6);
}

void check(const std::string& folder, Invocation& invocation) {
  const std::vector<std::string> faults = service::check_data(folder);
  if (!faults.empty()) invocation.exit_code = ExitCode::kFailed;
  if (invocation.json) return print_json({{"folder", folder}, {"faults", faults}});
  for (const std::string& fault : faults) fmt::print("{}\n", fault);
  fmt::print("{}: {}\n", folder,
             faults.empty() ? "no faults" : fmt::format("{} faults", faults.size()));
}

void add_backup(CLI::App& admin, Invocation& invocation) {
  CLI::App* command =
      add_command(admin,
                  {"backup",
                   "Copy hwnasd's data, also while it works",
                   {"hwnas admin backup /var/lib/hwnas /mnt/backup/hwnas-2026-11-21"}},
                  invocation);
  auto folders = std::make_shared<Folders>();
  command->add_option("data", folders->from, "hwnasd's --data")->type_name("DIR")->required();
  command->add_option("backup", folders->to, "New folder for the copy")
      ->type_name("DIR")
      ->required();
  command->callback([folders, &invocation] {
    tell(service::make_backup(folders->from, folders->to), "copied to", folders->to, invocation);
  });
}

void add_restore(CLI::App& admin, Invocation& invocation) {
  CLI::App* command =
      add_command(admin,
                  {"restore",
                   "Make a backup a data folder again",
                   {"hwnas admin restore /mnt/backup/hwnas-2026-11-21 /var/lib/hwnas"}},
                  invocation);
  auto folders = std::make_shared<Folders>();
  command->add_option("backup", folders->from, "What `admin backup` has made")
      ->type_name("DIR")
      ->required();
  command->add_option("data", folders->to, "Empty or new folder, for hwnasd's --data")
      ->type_name("DIR")
      ->required();
  command->callback([folders, &invocation] {
    tell(service::restore_backup(folders->from, folders->to), "restored to", folders->to,
         invocation);
  });
}

void add_check(CLI::App& admin, Invocation& invocation) {
  CLI::App* command = add_command(admin,
                                  {"check",
                                   "Look for damage in hwnasd's data or in a backup",
                                   {"hwnas admin check /mnt/backup/hwnas-2026-11-21"}},
                                  invocation);
  auto folder = std::make_shared<std::string>();
  command->add_option("folder", *folder, "Data folder or backup")->type_name("DIR")->required();
  command->callback([folder, &invocation] { check(*folder, invocation); });
}

}  // namespace

void add_admin(CLI::App& app, Invocation& invocation) {
  CLI::App* admin = app.add_subcommand("admin", "Back up, restore and check the data of hwnasd");
  admin->require_subcommand(1);
  admin->footer("Examples:\n  hwnas admin backup /var/lib/hwnas /mnt/backup/hwnas-2026-11-21");
  add_backup(*admin, invocation);
  add_restore(*admin, invocation);
  add_check(*admin, invocation);
}

}  // namespace hwnas::cli
