#include "schedule_sim/report.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <map>
#include <numeric>

namespace tollgate::schedule {
namespace {

__attribute__((format(printf, 1, 2))) std::string Text(const char* format, ...) {
  std::array<char, 400> buffer;
  va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
  va_end(arguments);
  return {buffer.data(), std::min(static_cast<size_t>(std::max(size, 0)), buffer.size() - 1)};
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The mean of the smallest tenth, at least one.
double WorstTenth(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  values.resize(std::max<size_t>(1, values.size() / 10));
  return Mean(values);
}

std::string FeesText(const Fees& fees) {
  return Text("%.0f/%.0f", static_cast<double>(fees.ppm[0]) / 1e4,
              static_cast<double>(fees.ppm[1]) / 1e4);
}

std::string Heading(const Row& row) { return row.schedule + ", fees " + FeesText(row.fees); }

template <typename Pick>
std::vector<double> Pluck(const std::vector<const Row*>& rows, Pick pick) {
  std::vector<double> values;
  values.reserve(rows.size());
  for (const Row* row : rows) values.push_back(100 * pick(*row));
  return values;
}

std::string TableLine(const std::string& rule, const std::vector<const Row*>& rows) {
  const auto shares = Pluck(rows, [](const Row& row) { return row.outcome.share; });
  const auto behind = Pluck(rows, [](const Row& row) { return row.outcome.share - row.bound; });
  const auto risks = Pluck(rows, [](const Row& row) { return row.outcome.audit_risk; });
  const auto scores = Pluck(rows, [](const Row& row) { return row.outcome.score(); });
  return Text("| %-28s | %6.2f | %6.2f | %6.2f | %6.2f | %5.1f | %6.2f |\n", rule.c_str(),
              Mean(shares), WorstTenth(shares), 0 - Mean(behind), 0 - WorstTenth(behind),
              Mean(risks), Mean(scores));
}

std::string AuditLines(const std::string& heading, const std::string& rule,
                       const std::vector<Row>& rows) {
  struct Sum {
    double runs = 0, runs_differing = 0, visits = 0, visits_differing = 0, share = 0;
  };
  std::vector<std::string> order;
  std::map<std::string, Sum> sums;
  for (const Row& row : rows) {
    if (row.rule != rule || Heading(row) != heading) continue;
    for (const Audited& it : row.audited) {
      if (!sums.contains(it.auditor)) order.push_back(it.auditor);
      Sum& sum = sums[it.auditor];
      sum.runs += 1;
      sum.runs_differing += it.differing != 0 ? 1 : 0;
      sum.visits += static_cast<double>(it.visits);
      sum.visits_differing += static_cast<double>(it.differing);
      sum.share += it.share;
    }
  }
  std::string text;
  for (const std::string& auditor : order) {
    const Sum& sum = sums.at(auditor);
    text += Text("| %-28s | %-8s | %6.1f | %6.2f | %6.2f |\n", rule.c_str(), auditor.c_str(),
                 1000 * sum.runs_differing / sum.runs, 1000 * sum.visits_differing / sum.visits,
                 100 * sum.share / sum.runs);
  }
  return text;
}

// Names in the order in which they first come.
template <typename NameOf>
std::vector<std::string> Names(const std::vector<Row>& rows, NameOf name_of) {
  std::vector<std::string> names;
  for (const Row& row : rows) {
    const std::string name = name_of(row);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace

std::string Table(const std::vector<Row>& rows) {
  std::string text;
  const auto rules = Names(rows, [](const Row& row) { return row.rule; });
  for (const std::string& heading : Names(rows, Heading)) {
    std::vector<double> bounds;
    std::string lines;
    size_t runs = 0;
    for (const std::string& rule : rules) {
      std::vector<const Row*> its;
      for (const Row& row : rows) {
        if (row.rule == rule && Heading(row) == heading) its.push_back(&row);
      }
      if (its.empty()) continue;
      runs = its.size();
      bounds = Pluck(its, [](const Row& row) { return row.bound; });
      lines += TableLine(rule, its);
    }
    text += Text("\n%s: %zu schedule%s, the bound is %.2f %% (worst tenth %.2f %%)\n\n",
                 heading.c_str(), runs, runs == 1 ? "" : "s", Mean(bounds), WorstTenth(bounds));
    text +=
        "| rule                         | share %| worst  | behind | worst  | audit | score  |\n";
    text +=
        "|------------------------------|--------|--------|--------|--------|-------|--------|\n";
    text += lines;
  }
  return text;
}

std::string AuditTable(const std::vector<Row>& rows) {
  std::string text;
  const auto rules = Names(rows, [](const Row& row) { return row.rule; });
  for (const std::string& heading : Names(rows, Heading)) {
    text += "\n" + heading + ": differences per thousand\n\n";
    text += "| rule                         | auditor  |  runs  | visits | share %|\n";
    text += "|------------------------------|----------|--------|--------|--------|\n";
    for (const std::string& rule : rules) text += AuditLines(heading, rule, rows);
  }
  return text;
}

std::string Lines(const std::vector<Row>& rows) {
  std::string text =
      "schedule,seed,fees,rule,bound,share,audit_risk,accepted,default,fallback,longest_ms\n";
  for (const Row& row : rows) {
    text += Text("%s,%llu,%s,\"%s\",%.6f,%.6f,%.4f,%zu,%zu,%zu,%.0f\n", row.schedule.c_str(),
                 static_cast<unsigned long long>(row.seed), FeesText(row.fees).c_str(),
                 row.rule.c_str(), row.bound, row.outcome.share, row.outcome.audit_risk,
                 row.outcome.accepted, row.outcome.booked[0], row.outcome.booked[1],
                 row.outcome.longest_ms);
  }
  return text;
}

}  // namespace tollgate::schedule
