"""Runs studies of the stock google-vizier client against hwnasd, and calls all 17 methods.

Usage: vizier_judge.py HWNASD PAGE
HWNASD is the daemon's program, PAGE docs/vizier.md, whose example is run. The daemon is killed and
started again in the middle of studies.
"""

import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import grpc
from google.longrunning import operations_pb2
from vizier._src.service import study_pb2
from vizier._src.service import vizier_service_pb2 as service
from vizier._src.service import vizier_service_pb2_grpc
from vizier.service import clients
from vizier.service import pyvizier as vz

SERVICE = service.DESCRIPTOR.services_by_name["VizierService"]


class Daemon:
    """hwnasd on a folder, with the stock client pointed at it."""

    def __init__(self, program, data):
        self.program, self.data = program, data
        self.address = f"unix:{data}/hwnasd.sock"
        clients.environment_variables.server_endpoint = self.address
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program, "--data", self.data],
                                        stderr=subprocess.DEVNULL)
        with grpc.insecure_channel(self.address) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)

    def kill_and_start(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0


class Recorder(grpc.UnaryUnaryClientInterceptor):
    """Notes which methods were called."""

    def __init__(self):
        self.methods = set()

    def intercept_unary_unary(self, continuation, details, request):
        self.methods.add(details.method)
        return continuation(details, request)


RECORDER = Recorder()


def record_calls():
    """Has the client's channels noted, too; nothing else of it is touched."""
    plain = grpc.insecure_channel
    grpc.insecure_channel = lambda *args, **kw: grpc.intercept_channel(plain(*args, **kw), RECORDER)


def patiently(call):
    """A client's call, repeated while the daemon is being started again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return call()
        except grpc.RpcError as failure:
            if failure.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def code_of(call):
    try:
        call()
    except grpc.RpcError as failure:
        return failure.code()
    return grpc.StatusCode.OK


def plane(algorithm="DEFAULT", goals=("MINIMIZE",)):
    config = vz.StudyConfig(algorithm=algorithm)
    config.search_space.root.add_float_param("x", -1.0, 1.0)
    config.search_space.root.add_float_param("y", -1.0, 1.0)
    for number, goal in enumerate(goals):
        config.metric_information.append(
            vz.MetricInformation(f"f{number}", goal=vz.ObjectiveMetricGoal[goal]))
    return config


def measured(**metrics):
    return vz.Measurement(metrics)


def optimises_one_objective(_daemon):
    study = clients.Study.from_study_config(plane(), owner="acme", study_id="one objective")
    for _ in range(60):
        for trial in study.suggest(count=2, client_id="worker"):
            p = trial.parameters
            trial.complete(measured(f0=(p["x"] - 0.3) ** 2 + (p["y"] + 0.2) ** 2))
    (best,) = study.optimal_trials().get()
    assert best.final_measurement.metrics["f0"].value < 0.02, best
    assert len(list(study.trials())) == 120


def finds_the_front_of_two_objectives(_daemon):
    config = plane("NSGA2", ("MINIMIZE", "MAXIMIZE"))
    study = clients.Study.from_study_config(config, owner="acme", study_id="two objectives")
    results = {}
    for _ in range(40):
        for trial in study.suggest(count=3, client_id="worker"):
            p = trial.parameters
            results[trial.id] = (p["x"] ** 2, p["x"] + p["y"])
            trial.complete(measured(f0=results[trial.id][0], f1=results[trial.id][1]))

    def is_dominated(id_):
        f0, f1 = results[id_]
        return any(a <= f0 and b >= f1 and (a, b) != (f0, f1) for a, b in results.values())

    front = {trial.id for trial in study.optimal_trials()}
    assert front == {id_ for id_ in results if not is_dominated(id_)}
    assert len(front) > 3


def gives_parameters_of_every_kind(_daemon):
    config = vz.StudyConfig(algorithm="RANDOM_SEARCH")
    root = config.search_space.root
    root.add_float_param("rate", 1e-4, 1.0, scale_type=vz.ScaleType.LOG)
    root.add_float_param("keep", 0.1, 1.0, scale_type=vz.ScaleType.REVERSE_LOG)
    root.add_int_param("layers", 1, 300)
    root.add_discrete_param("width", [8, 16, 64])
    root.add_bool_param("bias")
    model = root.add_categorical_param("model", ["linear", "deep"])
    model.select_values(["deep"]).add_int_param("depth", 2, 4)
    # Children of children are not sent: this version of the client loses them on the way.
    root.add_int_param("stages", 1, 4).select_values([4]).add_float_param("skip", 0.0, 1.0)
    config.metric_information.append(
        vz.MetricInformation("f", goal=vz.ObjectiveMetricGoal.MAXIMIZE))
    study = clients.Study.from_study_config(config, owner="acme", study_id="kinds")
    seen = set()
    for trial in study.suggest(count=100, client_id="worker"):
        p = trial.parameters  # the client refuses what is not of the space, or not active
        assert ("depth" in p) == (p["model"] == "deep")
        assert ("skip" in p) == (p["stages"] == 4)
        assert p["bias"] in (True, False) and p["layers"] in range(1, 301), p
        seen.add(tuple(sorted(p)))
    assert len(seen) == 4, seen


def goes_on_after_a_kill(daemon):
    study = clients.Study.from_study_config(plane(), owner="acme", study_id="killed")

    def suggest(client, count):
        return patiently(lambda: study.suggest(count=count, client_id=client))

    first = [(t.id, t.parameters) for t in suggest("a", 3)]
    suggest("b", 1)[0].complete(measured(f0=1.0))
    daemon.kill_and_start()
    assert [(t.id, t.parameters) for t in suggest("a", 3)] == first, "pending trials come back"
    assert patiently(lambda: study.get_trial(4).materialize().final_measurement) is not None
    new = suggest("b", 1)[0]
    assert new.id == 5
    points = [tuple(t.parameters.values()) for t in study.trials()]
    assert len(set(points)) == 5, "nothing is proposed twice"


def serves_workers_while_it_is_killed(daemon):
    study = clients.Study.from_study_config(plane(), owner="acme", study_id="workers")
    done = {"a": set(), "b": set()}
    faults = []

    def work(client):
        try:
            while len(done[client]) < 30:
                for trial in patiently(lambda: study.suggest(count=2, client_id=client)):
                    x = patiently(lambda: trial.parameters["x"])
                    finish(trial, x)
                    done[client].add(trial.id)
        except Exception as fault:  # of a thread
            faults.append(fault)

    def finish(trial, x):
        def complete():
            try:
                trial.complete(measured(f0=x * x))
            except grpc.RpcError as failure:
                # Done by the call whose answer was lost.
                if failure.code() != grpc.StatusCode.FAILED_PRECONDITION:
                    raise
        patiently(complete)

    threads = [threading.Thread(target=work, args=(client,)) for client in done]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.3)
        daemon.kill_and_start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    assert not done["a"] & done["b"], "a trial belongs to one worker"
    completed = {t.id for t in study.trials().get() if t.status == vz.TrialStatus.COMPLETED}
    assert done["a"] | done["b"] <= completed


def keeps_what_clients_note(_daemon):
    study = clients.Study.from_study_config(plane(), owner="acme", study_id="notes")
    (trial,) = study.suggest(count=1, client_id="worker")
    note = vz.Metadata()
    note.ns("judge")["key"] = "first"
    study.update_metadata(note)
    note.ns("judge")["key"] = "second"
    study.update_metadata(note)
    trial.update_metadata(note)
    assert study.materialize_study_config().metadata.ns("judge")["key"] == "second"
    assert trial.materialize().metadata.ns("judge")["key"] == "second"
    try:
        study._client.update_metadata(vz.MetadataDelta(on_trials={77: note}))
        raise AssertionError("metadata of a trial that is not there")
    except RuntimeError as refusal:
        assert "trials/77" in str(refusal)


def stops_trials_early(_daemon):
    config = plane()
    config.automated_stopping_config = vz.AutomatedStoppingConfig.default_stopping_spec()
    study = clients.Study.from_study_config(config, owner="acme", study_id="stopping")
    for level in (1.0, 2.0, 3.0):
        (trial,) = study.suggest(count=1, client_id="worker")
        for step in range(1, 5):
            trial.add_measurement(vz.Measurement({"f0": level}, steps=step, elapsed_secs=step))
        assert trial.complete().metrics["f0"].value == level
        assert len(trial.materialize().measurements) == 4
    good, bad = study.suggest(count=2, client_id="worker")
    good.add_measurement(vz.Measurement({"f0": 1.5}, steps=2))
    bad.add_measurement(vz.Measurement({"f0": 9.0}, steps=2))
    assert not good.check_early_stopping()
    assert bad.check_early_stopping()
    bad.stop()
    assert bad.materialize().status == vz.TrialStatus.STOPPING
    bad.complete(infeasible_reason="hopeless")
    assert bad.materialize().infeasibility_reason == "hopeless"


def takes_trials_of_the_clients_making(_daemon):
    study = clients.Study.from_study_config(plane(), owner="acme", study_id="made")
    asked = study.request(vz.TrialSuggestion({"x": 0.5, "y": 0.5}))
    known = vz.Trial(parameters={"x": 0.1, "y": 0.1})
    known.complete(measured(f0=0.02))
    told = study.add_trial(known)
    assert told.materialize().status == vz.TrialStatus.COMPLETED
    (given,) = study.suggest(count=1, client_id="worker")
    assert given.id == asked.id
    told.delete()
    assert [t.id for t in study.trials()] == [asked.id]


def ends_and_deletes_studies(_daemon):
    study = clients.Study.from_study_config(plane(), owner="ends", study_id="ended")
    study.suggest(count=1, client_id="worker")
    study.set_state(vz.StudyState.COMPLETED)
    assert study.materialize_state() == vz.StudyState.COMPLETED
    assert study.suggest(count=1, client_id="worker") == []
    assert len(study._client.list_studies()) == 1
    study.delete()
    assert study._client.list_studies() == []
    try:
        clients.Study.from_owner_and_id("ends", "ended")
        raise AssertionError("a deleted study is there")
    except clients.ResourceNotFoundError:
        pass


def answers_calls_the_client_does_not_make(daemon):
    """GetOperation (which the client calls only for operations that are not done), pages, errors."""
    clients.Study.from_study_config(plane(), owner="acme", study_id="raw")
    with grpc.insecure_channel(daemon.address) as channel:
        stub = vizier_service_pb2_grpc.VizierServiceStub(channel)
        name = "owners/acme/studies/raw"
        wanted = service.SuggestTrialsRequest(parent=name, suggestion_count=3, client_id="raw")
        operation = stub.SuggestTrials(wanted)
        assert operation.done and operation.HasField("response")
        assert stub.GetOperation(operations_pb2.GetOperationRequest(name=operation.name)) == operation
        response = service.SuggestTrialsResponse()
        assert operation.response.Unpack(response) and len(response.trials) == 3
        ids, token = [], ""
        while True:
            page = stub.ListTrials(
                service.ListTrialsRequest(parent=name, page_size=2, page_token=token))
            ids += [trial.id for trial in page.trials]
            token = page.next_page_token
            if not token:
                break
        assert ids == ["1", "2", "3"]
        done = service.CompleteTrialRequest(name=name + "/trials/1", trial_infeasible=True)
        stub.CompleteTrial(done)
        refused = {
            grpc.StatusCode.FAILED_PRECONDITION: lambda: stub.CompleteTrial(done),
            grpc.StatusCode.NOT_FOUND: lambda: stub.GetTrial(
                service.GetTrialRequest(name=name + "/trials/9")),
            grpc.StatusCode.INVALID_ARGUMENT: lambda: stub.CreateStudy(
                service.CreateStudyRequest(parent="owners/acme", study=study_pb2.Study(
                    display_name="x", study_spec=plane("GAUSSIAN_PROCESS_BANDIT").to_proto()))),
        }
        for code, call in refused.items():
            assert code_of(call) == code, (code, code_of(call))


def runs_the_pages_example(daemon, page):
    text = pathlib.Path(page).read_text(encoding="utf-8")
    start = text.index("    from vizier.service import clients")
    lines = []
    for line in text[start:].splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    source = textwrap.dedent("\n".join(lines))
    assert source.count("unix:/var/lib/hwnas/hwnasd.sock") == 1
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(source.replace("unix:/var/lib/hwnas/hwnasd.sock", daemon.address), {})
    assert "learning_rate" in output.getvalue()


CHECKS = (optimises_one_objective, finds_the_front_of_two_objectives, gives_parameters_of_every_kind,
          goes_on_after_a_kill, serves_workers_while_it_is_killed, keeps_what_clients_note,
          stops_trials_early, takes_trials_of_the_clients_making, ends_and_deletes_studies,
          answers_calls_the_client_does_not_make)


def main():
    program, page = sys.argv[1:]
    record_calls()
    clients.environment_variables.new_suggestion_polling_secs = 0.0
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(program, folder + "/data")
        try:
            for check in CHECKS:
                check(daemon)
                print("ok", check.__name__)
            runs_the_pages_example(daemon, page)
            print("ok runs_the_pages_example")
            daemon.stop()
        finally:
            daemon.process.kill()
    methods = {f"/{SERVICE.full_name}/{method.name}" for method in SERVICE.methods}
    assert RECORDER.methods >= methods, f"not called: {methods - RECORDER.methods}"
    print(f"{len(methods)} of {len(methods)} methods")


if __name__ == "__main__":
    main()
