using System.Collections;
using NUnit.Framework;
using UnityEngine;
using UnityEngine.TestTools;

namespace Motus.Tests
{
    /// <summary>For Unity's test runner, in play mode: nobody has run these yet. What is wrong is one line in the console, and no exception.</summary>
    public sealed class MotusCharacterTests
    {
        [UnityTest]
        public IEnumerator ACharacterThatIsNoHumanoidSaysSoOnce()
        {
            var connection = ScriptableObject.CreateInstance<MotusConnection>();
            connection.Address = "tcp://127.0.0.1:9";
            var character = new GameObject("box").AddComponent<MotusCharacter>();
            character.Connection = connection;
            character.Play();
            for (var frame = 0; frame < 30; frame++) yield return null;
            Assert.AreEqual(BufferStatus.NoData, character.Status);
            Object.Destroy(character.gameObject);
            connection.Close();
        }

        [UnityTest]
        public IEnumerator ClosingWhileItConnectsTakesNoTime()
        {
            var connection = ScriptableObject.CreateInstance<MotusConnection>();
            connection.Address = "tcp://192.0.2.1:5570";
            Assert.AreEqual(ConnectionState.Connecting, connection.Line.State);
            yield return null;
            var begun = Time.realtimeSinceStartup;
            connection.Close();
            Assert.Less(Time.realtimeSinceStartup - begun, 0.9f);
            Assert.AreEqual(ConnectionState.Closed, connection.State);
        }
    }
}
