// PaymentView: what GET /payments/{id} shows of a payment, from the books or from the table.
//
// Thread: pure functions; TableSearch the acceptor's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tollgate/ledger/books.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::api {

// {"correlationId":"…","state":"booked","amount":19.90,"processor":"default","requestedAt":"…"}.
// States: accepted, claimed, sent, unresolved, booked, rejected; pending where only the books
// know it, from another instance. Absent members are left out.
std::string EntryToJson(const payments::Uuid& id, const ledger::BookEntry& entry,
                        const payments::ProcessorDirectory& directory);
std::string SnapshotToJson(const table::PaymentTable::Snapshot& snapshot,
                           const payments::ProcessorDirectory& directory);

// Looks through the table for an id, a part per turn of the loop, so that a look-up never holds up
// payments. Of several slots with the id (a client's repeats) the one that went furthest counts.
using OnSnapshot = std::function<void(std::optional<table::PaymentTable::Snapshot>)>;
void SearchTable(net::EventLoop& loop, const table::PaymentTable& table, const payments::Uuid& id,
                 OnSnapshot done);

}  // namespace tollgate::api
