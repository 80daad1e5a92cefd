//! The control: the same scenes with an honest server raise no alarm, so that an alarm means something.

use crate::harness::{Attack, Scene, check_all};
use crate::stage::{Kept, Town};

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_raises_no_alarm() {
    let scenes = [
        Scene::Live,
        Scene::CatchUp,
        Scene::Own,
        Scene::OwnThenHonest,
        Scene::Fresh,
        Scene::Removal,
        Scene::Join,
        Scene::Joiner,
        Scene::History,
        Scene::Activity,
        Scene::Presence,
        Scene::SignIn,
    ];
    let town = Town::new(Kept::Little).await;
    check_all(&town, &scenes.map(Attack::control)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_with_packs_raises_no_alarm() {
    let town = Town::new(Kept::Packs).await;
    check_all(&town, &[Scene::Fresh, Scene::CatchUp].map(Attack::control)).await;
}
