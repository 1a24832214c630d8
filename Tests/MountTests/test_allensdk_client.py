"""The genuine AllenSDK client against the stand-in origin: what it can read there it reads as from api.brain-map.org.

`origin_url` is the base URL of a running stand-in with the built-in world (conftest.py).
"""

import json
import urllib.parse
import urllib.request

import pytest

allensdk_cache = pytest.importorskip("allensdk.core.cell_types_cache", reason="needs the Python package allensdk")
nwb_data_set = pytest.importorskip("allensdk.core.nwb_data_set")
h5py = pytest.importorskip("h5py")
np = pytest.importorskip("numpy")

SKELETON = 900000101  # full reconstruction with markers
ZERO_BASED = 900000105  # ids from 0, no markers
WINDOWS = 900000120  # CRLF
LATE_PARENT = 900000131  # a parent is listed after its child
NO_SKELETON = 900000136  # images only
NO_IMAGES = 900000140
HUMAN = 900000203


@pytest.fixture
def cache(tmp_path, origin_url):
    return allensdk_cache.CellTypesCache(
        manifest_file=str(tmp_path / "cell_types" / "manifest.json"), base_uri=origin_url
    )


def rma(origin_url, query):
    """An RMA reply fetched without AllenSDK."""
    quoted = urllib.parse.quote(query, safe=";/?:@&=+$,")
    with urllib.request.urlopen(f"{origin_url}/api/v2/data/query.json?q={quoted}", timeout=60) as reply:
        return json.load(reply)


def download(origin_url, file_id):
    with urllib.request.urlopen(f"{origin_url}/api/v2/well_known_file_download/{file_id}", timeout=60) as reply:
        return reply.read()


def test_cells_are_listed_and_cached(cache, origin_url, tmp_path):
    rows = rma(origin_url, "model::ApiCellTypesSpecimenDetail,rma::options[num_rows$eqall]")["msg"]
    cells = cache.get_cells()
    assert sorted(cell["id"] for cell in cells) == sorted(row["specimen__id"] for row in rows)
    assert len(cells) >= 12
    assert {cell["species"] for cell in cells} == {"Mus musculus", "Homo Sapiens"}
    written = json.loads((tmp_path / "cell_types" / "cells.json").read_text())
    assert written == rows
    traced = {cell["id"] for cell in cache.get_cells(require_reconstruction=True)}
    assert traced == {row["specimen__id"] for row in rows if row["nr__reconstruction_type"]}
    human = cache.get_cells(species=[allensdk_cache.CellTypesApi.HUMAN])
    assert {cell["species"] for cell in human} == {"Homo Sapiens"}
    assert all(cell["reporter_status"] is None for cell in human)


@pytest.mark.parametrize("specimen", [SKELETON, ZERO_BASED, WINDOWS, LATE_PARENT])
def test_a_reconstruction_is_downloaded_and_parsed(cache, origin_url, tmp_path, specimen):
    (row,) = rma(origin_url, f"model::ApiCellTypesSpecimenDetail,rma::criteria,[specimen__id$eq{specimen}]")["msg"]
    morphology = cache.get_reconstruction(specimen)
    stored = (tmp_path / "cell_types" / f"specimen_{specimen}" / "reconstruction.swc").read_bytes()
    assert stored == download(origin_url, row["nrwkf__id"])
    lines = [line for line in stored.decode().splitlines() if line and not line.startswith("#")]
    assert len(morphology.compartment_list) == len(lines)
    assert morphology.soma is not None
    assert 0 < morphology.soma["x"] < row["si__width"] * 0.1144
    assert 0 < morphology.soma["y"] < row["si__height"] * 0.1144


def test_markers_are_downloaded_and_parsed(cache, tmp_path):
    markers = cache.get_reconstruction_markers(SKELETON)
    names = [marker["name"] for marker in markers]
    assert names.count(30) == 1
    assert set(names) <= {10, 20, 30}
    assert (tmp_path / "cell_types" / f"specimen_{SKELETON}" / "reconstruction.marker").exists()


def test_what_is_not_there_is_not_invented(cache):
    assert cache.get_reconstruction_markers(ZERO_BASED) == []
    with pytest.raises(Exception, match="has no reconstruction"):
        cache.get_reconstruction(NO_SKELETON)
    with pytest.raises(Exception, match="has no reconstruction"):
        cache.get_reconstruction(NO_IMAGES)


def test_a_recording_is_downloaded_whole(cache, origin_url, tmp_path):
    (row,) = rma(origin_url, f"model::ApiCellTypesSpecimenDetail,rma::criteria,[specimen__id$eq{NO_IMAGES}]")["msg"]
    cache.get_ephys_data(NO_IMAGES)
    stored = tmp_path / "cell_types" / f"specimen_{NO_IMAGES}" / "ephys.nwb"
    data = stored.read_bytes()
    assert data[:8] == b"\x89HDF\r\n\x1a\n"
    assert data == download(origin_url, row["erwkf__id"])
    assert len(data) > 300_000


@pytest.mark.parametrize("specimen", [SKELETON, NO_IMAGES, HUMAN])
def test_the_sweeps_of_a_recording_in_the_mount(cache, demo, specimen):
    """AllenSDK reads every sweep of ephys.nwb where it lies, h5py finds the same, and ephys_sweeps says what they are."""
    species = "human" if specimen == HUMAN else "mouse"
    path = demo / species / str(specimen) / "ephys.nwb"
    recording = nwb_data_set.NwbDataSet(str(path))
    described = {sweep["sweep_number"]: sweep for sweep in cache.get_ephys_sweeps(specimen)}
    assert set(recording.get_sweep_numbers()) == set(described) and len(described) > 10
    assert set(recording.get_experiment_sweep_numbers()) == {n for n in described if described[n]["stimulus_name"] != "Test"}
    fired = 0
    with h5py.File(path, "r") as file:
        assert file["nwb_version"][()] == b"NWB-1.0.5"
        for number, sweep in described.items():
            data = recording.get_sweep(number)
            assert data["stimulus_unit"] == sweep["stimulus_units"]
            stimulus, response, rate = data["stimulus"], data["response"], data["sampling_rate"]
            assert np.array_equal(file[f"stimulus/presentation/Sweep_{number}/data"][()], stimulus)
            assert np.array_equal(file[f"acquisition/timeseries/Sweep_{number}/data"][()], response)
            first, last = data["index_range"]
            assert 0 <= first < last == len(stimulus) - 1 == len(response) - 1
            # The stimulus begins, ends and is as strong as the table says; the unit of that is pA or mV.
            begin = sweep["stimulus_start_time"]
            inside = slice(round(begin * rate), round((begin + sweep["stimulus_duration"]) * rate))
            strength = sweep["stimulus_absolute_amplitude"] * (1e-12 if data["stimulus_unit"] == "Amps" else 1e-3)
            assert abs(stimulus[inside][-1] - strength) < 0.05 * abs(strength)
            outside = np.concatenate([stimulus[:inside.start], stimulus[inside.stop:]])
            assert np.abs(outside).max() < 0.1 * abs(strength)
            spikes = recording.get_spike_times(number)
            assert len(spikes) == sweep["num_spikes"]
            assert all(response[round(time * rate)] > response[inside.start - 5] + 0.05 for time in spikes)
            assert recording.get_sweep_metadata(number)["aibs_stimulus_name"].decode() == sweep["stimulus_name"]
            fired += len(spikes)
    assert fired > 0


def test_the_recording_that_allensdk_downloads_is_that_of_the_mount(cache, demo):
    recording = cache.get_ephys_data(NO_IMAGES)
    number = recording.get_experiment_sweep_numbers()[0]
    here = nwb_data_set.NwbDataSet(str(demo / "mouse" / str(NO_IMAGES) / "ephys.nwb")).get_sweep(number)
    there = recording.get_sweep(number)
    assert all(np.array_equal(here[key], there[key]) for key in here)


def test_sweeps_and_feature_tables(cache):
    sweeps = cache.get_ephys_sweeps(SKELETON)
    assert [sweep["sweep_number"] for sweep in sweeps] == list(range(len(sweeps)))
    features = cache.get_all_features(dataframe=True, require_reconstruction=True)
    assert set(features["specimen_id"]) >= {SKELETON, ZERO_BASED}
    assert (features["scale_factor_x"] == 0.1144).all()
