#include "service/dataset_service.hpp"

#include <fmt/format.h>

#include "service/call.hpp"
#include "service/dataset_listing.hpp"
#include "service/error_status.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

constexpr int kWriters = 2;
constexpr int kReaders = 2;
constexpr std::size_t kMaxWaiting = 100;

Error not_new(const std::string& tenant, const std::string& id) {
  return error(ErrorCode::kAlreadyExists, "tenants/{}/datasets/{}: exists already; take another id",
               tenant, id);
}

}  // namespace

DatasetService::DatasetService(ServerParts& parts, UploadStore& uploads, DatasetStore& datasets,
                               std::vector<std::string> reader)
    : parts_(parts),
      uploads_(uploads),
      datasets_(datasets),
      reading_({.program = std::move(reader), .folder = parts.folder / "reading"}),
      writers_(kWriters, kMaxWaiting),
      readers_(kReaders, kMaxWaiting),
      streams_(parts, uploads, writers_),
      keeper_(uploads, parts.folder) {}

ServerUnaryReactor* DatasetService::CreateUpload(CallbackServerContext* context,
                                                 const v1::CreateUploadRequest* request,
                                                 v1::Upload* response) {
  const Call created(parts_, context, "hwnas.v1.DatasetService/CreateUpload", request->parent());
  return created.check_and_run([this, request, response](const Call& call) {
    call.require(parse_tenant("parent", request->parent()));
    uploads_.create(
        new_upload(*request), parts_.quota, request_key(*request, request->request_id()),
        answer_with<UploadRecord>(
            call, [response](const UploadRecord& upload) { *response = to_message(upload); }));
  });
}

ServerUnaryReactor* DatasetService::GetUpload(CallbackServerContext* context,
                                              const v1::GetUploadRequest* request,
                                              v1::Upload* response) {
  const Call got(parts_, context, "hwnas.v1.DatasetService/GetUpload", request->name());
  return got.run([this, request, response](const Call& call) {
    const OwnedName name = parse_owned_name("name", request->name(), "uploads");
    call.require(name.tenant);
    *response = to_message(uploads_.upload(name.tenant, name.id));
    call.finish();
  });
}

grpc::ServerReadReactor<v1::WriteUploadRequest>* DatasetService::WriteUpload(
    CallbackServerContext* context, v1::Upload* response) {
  return streams_.open(context, response);
}

ServerUnaryReactor* DatasetService::DeleteUpload(CallbackServerContext* context,
                                                 const v1::DeleteUploadRequest* request,
                                                 google::protobuf::Empty*) {
  const Call deleted(parts_, context, "hwnas.v1.DatasetService/DeleteUpload", request->name());
  return deleted.run([this, request](const Call& call) {
    const OwnedName name = parse_owned_name("name", request->name(), "uploads");
    call.require(name.tenant);
    uploads_.remove(
        name.tenant, name.id, request_key(*request, request->request_id()),
        answer_with<UploadRecord>(call, [this](const UploadRecord&) { keeper_.notify(); }));
  });
}

DatasetFacts DatasetService::read(const DatasetDraft& draft) {
  try {
    return reading_.read(draft.dataset.tenant, draft.data);
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kInvalidArgument) throw;
    throw InvalidField("dataset.reader", without_files(failure.what(), draft));
  }
}

ServerUnaryReactor* DatasetService::CreateDataset(CallbackServerContext* context,
                                                  const v1::CreateDatasetRequest* request,
                                                  v1::Dataset* response) {
  const Call created(parts_, context, "hwnas.v1.DatasetService/CreateDataset", request->parent());
  return created.check_and_run([this, request, response](const Call& call) {
    const std::string tenant = parse_tenant("parent", request->parent());
    call.require(tenant);
    const RequestKey key = request_key(*request, request->request_id());
    if (const auto before = datasets_.created_before(tenant, key)) {
      *response = to_message(*before);
      return call.finish();
    }
    if (parts_.datasets.find(request->dataset_id()) != nullptr) {
      throw not_new(tenant, request->dataset_id());
    }
    DatasetDraft draft = dataset_draft(*request, uploads_, parts_.folder);
    readers_.submit([this, call, response, key, draft = std::move(draft)] {
      try {
        NewDataset dataset = draft.dataset;
        dataset.facts = read(draft);
        datasets_.create(std::move(dataset), key,
                         answer_with<DatasetRecord>(call, [response](const DatasetRecord& record) {
                           *response = to_message(record);
                         }));
      } catch (const std::exception&) {
        call.fail(std::current_exception());
      }
    });
  });
}

ServerUnaryReactor* DatasetService::GetDataset(CallbackServerContext* context,
                                               const v1::GetDatasetRequest* request,
                                               v1::Dataset* response) {
  const Call got(parts_, context, "hwnas.v1.DatasetService/GetDataset", request->name());
  return got.run([this, request, response](const Call& call) {
    const OwnedName name = parse_owned_name("name", request->name(), "datasets");
    call.require(name.tenant);
    try {
      *response = to_message(datasets_.dataset(name.tenant, name.id));
    } catch (const Error& failure) {
      const Config* const registered = parts_.datasets.find(name.id);
      if (failure.code() != ErrorCode::kNotFound || registered == nullptr) throw;
      *response = registered_dataset(name.tenant, name.id, *registered);
    }
    call.finish();
  });
}

ServerUnaryReactor* DatasetService::ListDatasets(CallbackServerContext* context,
                                                 const v1::ListDatasetsRequest* request,
                                                 v1::ListDatasetsResponse* response) {
  const Call listed(parts_, context, "hwnas.v1.DatasetService/ListDatasets", request->parent());
  return listed.run([this, request, response](const Call& call) {
    const std::string tenant = parse_tenant("parent", request->parent());
    call.require(tenant);
    fill_page(datasets_, parts_.datasets, parts_.store.page_tokens(), tenant, *request, *response);
    call.finish();
  });
}

ServerUnaryReactor* DatasetService::DeleteDataset(CallbackServerContext* context,
                                                  const v1::DeleteDatasetRequest* request,
                                                  google::protobuf::Empty*) {
  const Call deleted(parts_, context, "hwnas.v1.DatasetService/DeleteDataset", request->name());
  return deleted.run([this, request](const Call& call) {
    const OwnedName name = parse_owned_name("name", request->name(), "datasets");
    call.require(name.tenant);
    const RequestKey key = request_key(*request, request->request_id());
    auto done = [this, call, name](Outcome<DatasetRecord> outcome) {
      try {
        outcome.get();
      } catch (const Error& failure) {
        const bool registered =
            failure.code() == ErrorCode::kNotFound && parts_.datasets.find(name.id) != nullptr;
        if (!registered) return call.fail(std::current_exception());
        return call.fail(std::make_exception_ptr(
            error(ErrorCode::kFailedPrecondition,
                  "tenants/{}/datasets/{}: registered by the operator, who alone can remove it",
                  name.tenant, name.id)));
      }
      keeper_.notify();
      call.finish();
    };
    datasets_.remove(name.tenant, name.id, request->etag(), key, std::move(done));
  });
}

}  // namespace hwnas::service
