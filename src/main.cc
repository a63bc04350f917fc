// tollgate: parse, run, exit code.
#include <cstdio>

#include "tollgate/app/commands.h"
#include "tollgate/base/logging.h"
#include "tollgate/base/standard_descriptors.h"
#include "tollgate/config/command_line.h"
#include "tollgate/reconcile/reconcile.h"

int main(int argc, char** argv) {
  tollgate::base::OccupyStandardDescriptors();
  using tollgate::config::Command;
  const auto line = tollgate::config::ParseCommandLine({argv + 1, argv + argc},
                                                       tollgate::config::ProcessEnvironment());
  if (!line.ok()) {
    tollgate::base::PrintError(line.error().message);
    return 1;
  }
  switch (line.value().command) {
    case Command::kHelp:
    case Command::kVersion:
    case Command::kCheckConfig:
      std::fputs(line.value().text.c_str(), stdout);
      return 0;
    case Command::kHealth:
      return tollgate::app::CheckHealth(line.value().config);
    case Command::kPending:
      return tollgate::app::ListPending(line.value().config, line.value().json);
    case Command::kReconcile:
      return tollgate::reconcile::Reconcile(line.value().config, line.value().reconcile);
    case Command::kAcceptLoss:
      return tollgate::app::AcceptLoss(line.value().config);
    case Command::kExport:
      return tollgate::app::Export(line.value().config, line.value().export_options);
    case Command::kBackUp:
      return tollgate::app::BackUpBooks(line.value().config, line.value().backup_file);
    case Command::kCopyBooks:
      return tollgate::app::CopyBooks(line.value().config, line.value().copy_from,
                                      line.value().copy_to);
    case Command::kRun:
      return tollgate::app::RunGateway(line.value().config);
  }
  return 1;
}
